import { Banner } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import type { CardView, LinkLine } from '#rpc/links.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'
import { splitValue, statusName, titleText } from './labels.ts'

/** That something is over and done is not worth saying of a result or a vaccination. */
const USUAL = new Set(['final', 'completed'])

function lineText(words: Words, { what, date, status, more, danger }: LinkLine) {
  const { name, value } = splitValue(titleText(what))
  const sub = [danger && words.t('summary.dangerous'), date && words.date(date), !USUAL.has(status) && statusName(words, status), more]
    .filter(Boolean)
    .join(' · ')
  return { title: name, value, sub }
}

/** What a link or a card holds, line by line. */
export function Lines({ lines }: { readonly lines: readonly LinkLine[] }) {
  const words = useWords()
  return (
    <ul className="kw-lines">
      {lines.map((l, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two lines may say the same
        <li key={i}>
          <RecordLine wrap {...lineText(words, l)} />
        </li>
      ))}
    </ul>
  )
}

/** A health card as it was just checked: who signed it, and what it holds; of one that does not hold, why. */
export function Card({ card }: { readonly card: CardView }) {
  const words = useWords()
  const { t } = words
  return (
    <div className="kw-stack">
      {card.holds ? (
        <Banner tone="good" icon="check">
          {t('link.cardHolds', { issuer: card.issuer })}
        </Banner>
      ) : (
        <Banner tone="warn" icon="alert">
          {t('link.cardBad', { problem: words.maybe(`card.why.${card.problem}`, card.problem ?? '') })}
        </Banner>
      )}
      <Lines lines={card.lines} />
    </div>
  )
}
