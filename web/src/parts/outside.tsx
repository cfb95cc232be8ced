import { useWords } from '#words/context.tsx'

/** A value outside of its range: a symbol and a word, never colour alone. */
export const OutsideMark = ({ outside }: { readonly outside: 'low' | 'high' | 'abnormal' }) => {
  const { t } = useWords()
  return (
    <span className="kw-outside">
      <svg width={12} height={12} viewBox="0 0 12 12" aria-hidden="true">
        <path d={SHAPES[outside]} />
      </svg>
      {t(`results.${outside}`)}
    </span>
  )
}

const SHAPES = { high: 'M6 1 11.5 11H.5z', low: 'M6 11 .5 1h11z', abnormal: 'M6 .5 11.5 6 6 11.5.5 6z' } as const
