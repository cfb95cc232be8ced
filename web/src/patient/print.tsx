import { Button, Checkbox } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partName, splitValue, titleText } from '#record/labels.ts'
import type { About, Facts, Printable, Section } from '#rpc/summary.ts'
import type { CompartmentView, Row } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'
import { factSub, personLines, relationName } from './facts.tsx'
import { PartsChoice, unsensitive } from './parts-choice.tsx'

/** What may kill first comes first. */
const SECTIONS: readonly Section[] = ['allergies', 'conditions', 'medications', 'vaccinations', 'results', 'procedures', 'devices']
type Choice = { readonly person: boolean; readonly past: boolean; readonly sections: readonly Section[]; readonly parts: readonly string[] }

const toggled = <T,>(all: readonly T[], one: T): T[] => (all.includes(one) ? all.filter(x => x !== one) : [...all, one])

/** A summary on paper, for a visit or an emergency. It is made here and sent nowhere. */
export function Print() {
  const { t } = useWords()
  const { api } = useVault()
  const parts = useAsk(() => api.compartments(null), [])
  const some = parts.value?.filter(p => p.count > 0)
  return (
    <Page title={t('print.title')} tab={t('print.title')} back={{ href: '#/', label: t('nav.home') }} lead={t('print.lead')}>
      {parts.error && !some ? <Failed error={parts.error} onRetry={parts.again} /> : some ? <Chosen parts={some} /> : <Waiting />}
    </Page>
  )
}

function Chosen({ parts }: { readonly parts: readonly CompartmentView[] }) {
  const { t } = useWords()
  const { api } = useVault()
  const [choice, setChoice] = useState<Choice>({
    person: true,
    past: true,
    sections: SECTIONS.filter(s => s !== 'results'),
    parts: unsensitive(parts),
  })
  const { sections, past } = choice
  const { value, error, again } = useAsk(async () => {
    const found = await api.printable({ sections, parts: choice.parts })
    const ids = SECTIONS.flatMap(s => shownOf(found.sections[s], past).map(f => f.row.id))
    // Without a connection the cards alone go on paper, and it says so.
    const about = await api.about(ids).catch(() => null)
    return { found, about }
  }, [choice])
  return (
    <>
      <Choices parts={parts} choice={choice} onChange={setChoice} />
      <div className="kw-row kw-no-print">
        <Button size="lg" leftSection={<Icon name="printer" size={20} />} onClick={() => window.print()} disabled={!value}>
          {t('print.go')}
        </Button>
        <span className="kw-dim">{t('print.note')}</span>
      </div>
      {error && !value ? <Failed error={error} onRetry={again} /> : value ? <Paper {...value} choice={choice} /> : <Waiting />}
    </>
  )
}

type ChoicesProps = { readonly parts: readonly CompartmentView[]; readonly choice: Choice; readonly onChange: (c: Choice) => void }

function Choices({ parts, choice, onChange }: ChoicesProps) {
  const { t } = useWords()
  return (
    <Panel title={t('print.what')}>
      <div className="kw-print-choices kw-no-print">
        <fieldset>
          <legend>{t('print.sections')}</legend>
          <Checkbox label={t('summary.person')} checked={choice.person} onChange={() => onChange({ ...choice, person: !choice.person })} />
          {SECTIONS.map(s => (
            <Checkbox
              key={s}
              label={t(`summary.${s}`)}
              checked={choice.sections.includes(s)}
              onChange={() => onChange({ ...choice, sections: toggled(choice.sections, s) })}
            />
          ))}
          <Checkbox label={t('print.past')} checked={choice.past} onChange={() => onChange({ ...choice, past: !choice.past })} />
        </fieldset>
        <PartsChoice
          className=""
          legend={t('print.parts')}
          parts={parts}
          chosen={choice.parts}
          onChange={chosen => onChange({ ...choice, parts: chosen })}
        />
      </div>
    </Panel>
  )
}

const shownOf = (facts: Facts | undefined, past: boolean): Facts['facts'] =>
  past ? (facts?.facts ?? []) : (facts?.facts ?? []).filter(f => !f.over)

type PaperProps = { readonly found: Printable; readonly about: About | null; readonly choice: Choice }

function Paper({ found, about, choice }: PaperProps) {
  const words = useWords()
  const { t } = words
  const { me } = useVault()
  const person = about?.person
  const now = Math.floor(Date.now() / 1000)
  const head = [person?.birthDate && t('print.born', { date: words.date(person.birthDate) }), t('print.on', { date: words.time(now) })]
  return (
    <article className="kw-paper" aria-label={t('print.preview')}>
      <header className="kw-paper-head">
        <h2>{person?.name ?? me.name}</h2>
        <p>{head.filter(Boolean).join(' · ')}</p>
      </header>
      {!about && <Banner tone="warn">{t('print.bare')}</Banner>}
      {choice.person && person && <PersonBlock about={about} />}
      {SECTIONS.map(s => found.sections[s] && <Block key={s} section={s} facts={found.sections[s]} about={about} past={choice.past} />)}
      <footer>
        <p>{t('print.foot', { parts: words.list(choice.parts.map(p => partName(words, p))) })}</p>
      </footer>
    </article>
  )
}

function PersonBlock({ about }: { readonly about: About }) {
  const words = useWords()
  const { t } = words
  const person = about.person!
  return (
    <section>
      <h3>{t('summary.person')}</h3>
      <table>
        <tbody>
          {personLines(words, person).map(l => (
            <tr key={l.label}>
              <th scope="row">{l.label}</th>
              <td>{l.value}</td>
            </tr>
          ))}
          {person.contacts.map(c => (
            <tr key={`${c.name}${c.phone}`}>
              <th scope="row">{t('person.contacts')}</th>
              <td>{[c.name, c.relation && relationName(words, c.relation), c.phone, c.email].filter(Boolean).join(', ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

type BlockProps = { readonly section: Section; readonly facts: Facts; readonly about: About | null; readonly past: boolean }

function Block({ section, facts, about, past }: BlockProps) {
  const words = useWords()
  const { t, n } = words
  const shown = shownOf(facts, past)
  const left = facts.count - shown.length
  return (
    <section>
      <h3>{t(`summary.${section}`)}</h3>
      {facts.absent && (
        <p>
          {t(`summary.${facts.absent.kind}.${section}`)} <small>{fromWords(words, facts.absent.row, about)}</small>
        </p>
      )}
      {shown.length > 0 ? (
        <table>
          <thead>
            <tr>
              <th scope="col">{t('print.fact')}</th>
              <th scope="col">{t('print.date')}</th>
              <th scope="col">{t('print.from')}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(fact => {
              const sub = factSub(words, fact, about?.details[fact.row.id])
              const danger = about?.details[fact.row.id]?.criticality === 'high' && !fact.over
              return (
                <tr key={fact.row.id}>
                  <td>
                    <strong>{splitValue(titleText(fact.row.title)).name}</strong>
                    {splitValue(fact.row.title).value && `: ${splitValue(titleText(fact.row.title)).value}`}
                    {danger && <strong> ({t('summary.dangerous')})</strong>}
                    {sub && <div>{sub}</div>}
                  </td>
                  <td>{fact.row.date && words.date(fact.row.date)}</td>
                  <td>{fromWords(words, fact.row, about)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      ) : (
        !facts.absent && <p>{t(`summary.empty.${section}`)}</p>
      )}
      {left > 0 && <p>{n('print.left', left)}</p>}
    </section>
  )
}

/** Where a fact came from, in short: who says so, who filed it, in which file. */
function fromWords(words: Words, row: Row, about: About | null): string {
  const detail = about?.details[row.id]
  const signed = row.author
    ? words.t('print.signed', { name: row.author })
    : detail?.file
      ? words.t('print.file', { file: detail.file })
      : words.t('print.own')
  return [detail?.by, signed, row.trust === 'unverified' && words.t('timeline.unverified')].filter(Boolean).join('; ')
}
