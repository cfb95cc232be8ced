import { useMemo } from 'react'
import { Banner } from '#parts/page.tsx'
import { useWords } from '#words/context.tsx'
import { pretty, segmentsOf, tableOf, textOf } from './text.ts'
import './viewer.css'

/** Characters drawn at once; more would make the page slow, and nobody reads them here. */
const MOST = 400_000
const MOST_ROWS = 1000

type TextProps = { readonly title: string; readonly bytes: Uint8Array }

const Cut = () => {
  const { t } = useWords()
  return <Banner>{t('images.cutShort')}</Banner>
}

/** Text of any kind, as text. */
export function PlainText({ title, bytes }: TextProps) {
  const text = useMemo(() => pretty(textOf(bytes)), [bytes])
  return (
    <div className="kw-stack">
      {text.length > MOST && <Cut />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <section className="kw-code" tabIndex={0} aria-label={title}>
        <pre>{text.slice(0, MOST)}</pre>
      </section>
    </div>
  )
}

/** Separated values as the table that they are; the first row names the columns. */
export function ValuesTable({ title, bytes }: TextProps) {
  const { rows, whole } = useMemo(() => tableOf(textOf(bytes), MOST_ROWS), [bytes])
  const [head = [], ...body] = rows
  return (
    <div className="kw-stack">
      {!whole && <Cut />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <section className="kw-told kw-told-table" tabIndex={0} aria-label={title}>
        <table>
          <thead>
            <tr>
              {head.map((name, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the table never changes
                <th key={i} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {body.map((row, r) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the table never changes
              <tr key={r}>
                {row.map((cell, c) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: the table never changes
                  <td key={c}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  )
}

/** An HL7 v2 message, a segment at a time. */
export function Hl7Message({ bytes }: TextProps) {
  const words = useWords()
  const segments = useMemo(() => segmentsOf(textOf(bytes)), [bytes])
  return (
    <ol className="kw-segments">
      {segments.slice(0, MOST_ROWS).map((segment, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the message never changes
        <li key={i}>
          <h3>
            {words.maybe(`images.segment.${segment.name}`, segment.name)} <span className="kw-dim kw-mono">{segment.name}</span>
          </h3>
          <dl className="kw-facts">
            {segment.fields.map(f => (
              <div className="kw-contents" key={f.number}>
                <dt className="kw-mono">{`${segment.name}-${f.number}`}</dt>
                <dd>{f.value}</dd>
              </div>
            ))}
          </dl>
        </li>
      ))}
    </ol>
  )
}
