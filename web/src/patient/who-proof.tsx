import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import type { Looked, TrailView, WitnessView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'

export type Trail = Pick<TrailView, 'logSize' | 'anchored' | 'problems'>
type Step = { readonly done: boolean; readonly text: string }

/** Where anybody finds it there. */
const blockText = ({ t, time }: Pick<Words, 't' | 'time'>, { written }: NonNullable<Trail['anchored']>): string =>
  written ? t('proof.block', { block: written.block, date: time(written.time), tx: written.tx }) : ''

/** What was checked of one opening, in the order in which it was; whatever is not known is no tick. */
function stepsOf({ t, time }: Words, l: Looked, { logSize, anchored }: Trail, witnesses: readonly WitnessView[]): Step[] {
  const covered = anchored !== null && anchored.size > l.index
  const saw = witnesses.filter(w => w.same && !w.failed && w.seen && w.seen.size > l.index)
  return [
    { done: l.reader === 'verified', text: t(l.reader === 'verified' ? 'proof.reader' : 'proof.readerUnknown', { name: l.name }) },
    { done: true, text: t('proof.relay') },
    { done: true, text: t('proof.log', { place: l.index + 1, size: logSize }) },
    covered
      ? {
          done: true,
          text: `${t('proof.ledger', { size: anchored.size, date: time(anchored.time) })} ${blockText({ t, time }, anchored)}`.trim(),
        }
      : { done: false, text: t('proof.noLedger') },
    ...(saw.length
      ? saw.map(w => ({ done: true, text: t('proof.witness', { name: w.name, date: time(w.seen!.at) }) }))
      : [{ done: false, text: t(witnesses.length ? 'proof.witnessNot' : 'proof.noWitness') }]),
  ]
}

/** The proof of one opening, step by step; and what whoever vouches for the reader said of them at that moment. */
export function Proof({ looked: l, trail }: { readonly looked: Looked; readonly trail: Trail }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const witnesses = useAsk(() => api.witnesses(null), [], [])
  const credential = l.credential && t(l.credential === 'live' ? 'proof.live' : 'proof.dead', { name: l.name })
  return (
    <div className="kw-proof">
      <ol className="kw-steps">
        {stepsOf(words, l, trail, witnesses.value ?? []).map(({ done, text }) => (
          <li key={text} data-done={done}>
            <Icon name={done ? 'check' : 'clock'} size={20} />
            <span>
              {text} <span className="kw-hidden">{t(done ? 'proof.done' : 'proof.open')}</span>
            </span>
          </li>
        ))}
      </ol>
      {credential && <p>{credential}</p>}
      <p className="kw-dim kw-small kw-mono kw-wrap">{t('proof.receipt', { number: l.seq, hash: l.hash })}</p>
    </div>
  )
}
