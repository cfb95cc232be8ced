import { useWords } from '#words/context.tsx'

/** A line's second row; on narrow screens the date stands here instead of at the side. */
export const Sub = ({ date, text }: { readonly date: string; readonly text: string }) => {
  const words = useWords()
  return (
    <>
      {date && <span className="kw-narrow">{`${words.date(date)} · `}</span>}
      {text}
    </>
  )
}
