import type { ReactNode } from 'react'
import { Waiting } from '#parts/state.tsx'
import { useWords } from '#words/context.tsx'

/** Screens whose texts come after those of the first ones. */
export const WithTexts = ({ children }: { readonly children: ReactNode }) => (useWords().whole ? children : <Waiting />)
