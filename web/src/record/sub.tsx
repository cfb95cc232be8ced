import type { ReactNode } from 'react'
import type { Row } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'

/** A line's second row; on narrow screens the date stands here instead of at the side. */
export const Sub = ({ date, text }: { readonly date: string; readonly text: ReactNode }) => {
  const words = useWords()
  return (
    <>
      {date && <span className="kw-narrow">{`${words.date(date)} · `}</span>}
      {text}
    </>
  )
}

/** The words of a record around what was searched for. */
export const Excerpt = ({ parts }: { readonly parts: NonNullable<Row['excerpt']> }) =>
  // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text have no other name
  parts.map(({ text, hit }, i) => (hit ? <mark key={i}>{text}</mark> : <span key={i}>{text}</span>))
