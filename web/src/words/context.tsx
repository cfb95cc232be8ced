import { createContext, type ReactNode, useContext } from 'react'
import type { Words } from './words.ts'

const Context = createContext<Words | null>(null)

export const WordsProvider = ({ words, children }: { readonly words: Words; readonly children: ReactNode }) => (
  <Context.Provider value={words}>{children}</Context.Provider>
)

export function useWords(): Words {
  const words = useContext(Context)
  if (!words) throw new Error('There are no words here.')
  return words
}
