import { Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { splitValue, statusName, titleText } from '#record/labels.ts'
import type { OverviewRow } from '#rpc/clinician.ts'
import type { Row } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { unitLabel } from '#words/fhir.ts'

type LineProps = {
  readonly row: Row
  readonly href: string
  readonly here: boolean
  readonly note?: string
  readonly outside?: OverviewRow['outside']
}

/** A record in one dense line; a measurement shows its value apart from its name. */
export function Line({ row, href, here, note, outside }: LineProps) {
  const words = useWords()
  const measured = row.type === 'Observation' ? splitValue(row.title) : null
  const status = row.status && !QUIET.has(row.status) ? statusName(words, row.status) : ''
  const unsure = row.trust === 'unverified' ? words.t('timeline.unverified') : ''
  // Beside a value there is no room for a day.
  const day = row.date && words.date(row.date)
  const sub = [measured?.value && day, note, status, unsure].filter(Boolean).join(' · ')
  return (
    <div className="kw-dense" aria-current={here ? 'true' : undefined}>
      <RecordLine
        href={href}
        title={measured?.value ? measured.name : titleText(row.title)}
        {...(measured?.value ? { value: unitLabel(measured.value) } : {})}
        sub={sub || undefined}
        side={measured?.value ? outside && <Tag tone="warn">{statusName(words, outside)}</Tag> : day}
      />
    </div>
  )
}

/** States that say nothing, for nearly everything is in them. */
const QUIET = new Set(['final', 'completed', 'finished', 'active', 'current'])
