import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon, type IconName } from '#parts/icon.tsx'
import { Banner, Empty, Page, Panel } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partName, splitValue, statusName } from '#record/labels.ts'
import type { Overview, Row } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import { unitLabel } from '#words/fhir.ts'

const OVER = new Set(['resolved', 'inactive', 'remission', 'stopped', 'completed', 'cancelled'])

/** The one page about a person. */
export function Home() {
  const { t, n } = useWords()
  const { api, me } = useVault()
  const { value, error, again } = useAsk(() => api.overview(null), [], ['records', 'sharing'])
  const lead = value?.records
    ? value.since
      ? n('home.summary', value.records, { year: value.since })
      : n('home.summaryBare', value.records)
    : undefined
  return (
    <Page title={me.name} tab={t('nav.home')} lead={lead}>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : value.records ? (
        <Summary value={value} />
      ) : (
        <NewRecord />
      )}
    </Page>
  )
}

function NewRecord() {
  const { t } = useWords()
  return (
    <Panel>
      <Empty
        icon="folder"
        title={t('home.empty')}
        actions={
          <>
            <Button component="a" href="#/add">
              {t('home.emptyAdd')}
            </Button>
            <Button component="a" href="#/join" variant="default">
              {t('home.emptyJoin')}
            </Button>
          </>
        }
      >
        {t('home.emptyLead')}
      </Empty>
    </Panel>
  )
}

function Summary({ value }: { readonly value: Overview }) {
  const { t, n } = useWords()
  return (
    <>
      {value.requests > 0 && (
        <Banner icon="share">
          <a href="#/share">{n('home.requests', value.requests)}</a>
        </Banner>
      )}
      {value.unverified > 0 && <Banner tone="warn">{n('home.unverified', value.unverified)}</Banner>}
      <div className="kw-columns">
        <Facts value={value} name="conditions" icon="heart" href="#/timeline?type=Condition" />
        <Facts value={value} name="medications" icon="pill" href="#/timeline?part=medications" />
        <Facts value={value} name="allergies" icon="alert" href="#/timeline?type=AllergyIntolerance" />
        <Facts value={value} name="vaccinations" icon="syringe" href="#/timeline?type=Immunization" />
        <Facts
          value={value}
          name="results"
          icon="flask"
          href="#/timeline?part=laboratory"
          line={row => <ResultLine key={row.id} row={row} />}
        />
        <Panel title={t('home.places')} icon="folder">
          <Parts value={value} />
          <p className="kw-dim kw-small kw-note-line">
            <Icon name="lock" size={18} />
            {value.shares ? n('home.shares', value.shares) : t('home.noShares')}
          </p>
        </Panel>
      </div>
    </>
  )
}

type FactsProps = {
  readonly value: Overview
  readonly name: keyof Overview['counts']
  readonly icon: IconName
  readonly href: string
  readonly line?: (row: Row) => ReactNode
}

const NONE: Readonly<Record<keyof Overview['counts'], Key>> = {
  conditions: 'home.noneConditions',
  medications: 'home.noneMedications',
  allergies: 'home.noneAllergies',
  vaccinations: 'home.noneVaccinations',
  results: 'home.noneResults',
}

function Facts({ value, name, icon, href, line }: FactsProps) {
  const { t } = useWords()
  const rows = value[name]
  const more = value.counts[name] - rows.length
  const draw = line ?? ((row: Row) => <FactLine key={row.id} row={row} />)
  const side = more > 0 && <a href={href}>{t('home.more', { count: more })}</a>
  return (
    <Panel title={t(`home.${name}`)} icon={icon} side={side}>
      {rows.length ? (
        <ul>
          {rows.map(row => (
            <li key={row.id}>{draw(row)}</li>
          ))}
        </ul>
      ) : (
        <p className="kw-dim">{t(NONE[name])}</p>
      )}
    </Panel>
  )
}

function FactLine({ row }: { readonly row: Row }) {
  const words = useWords()
  // A vaccination is always completed; that says nothing.
  const over = row.type !== 'Immunization' && row.status && OVER.has(row.status)
  return (
    <RecordLine
      href={`#/record/${row.id}`}
      title={row.title}
      side={words.date(row.date)}
      {...(over ? { sub: statusName(words, row.status ?? '') } : {})}
    />
  )
}

function ResultLine({ row }: { readonly row: Row }) {
  const words = useWords()
  const { name, value } = splitValue(row.title)
  return <RecordLine href={`#/record/${row.id}`} title={name} sub={words.date(row.date)} value={unitLabel(value)} />
}

function Parts({ value }: { readonly value: Overview }) {
  const words = useWords()
  const parts = value.compartments.filter(c => c.count > 0).sort((a, b) => b.count - a.count)
  const most = parts[0]?.count ?? 1
  return (
    <ul className="kw-bars">
      {parts.map(c => (
        <li key={c.name}>
          <a href={`#/timeline?part=${encodeURIComponent(c.name)}`}>
            <span>{partName(words, c.name)}</span>
            <span className="kw-number kw-dim">{words.number(c.count)}</span>
            <progress value={c.count} max={most} aria-hidden="true" />
          </a>
        </li>
      ))}
    </ul>
  )
}
