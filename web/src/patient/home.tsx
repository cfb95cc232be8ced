import { Button } from '@mantine/core'
import { useVault } from '#client/context.tsx'
import { type Asked, useAsk } from '#client/use-ask.ts'
import { Icon, type IconName } from '#parts/icon.tsx'
import { Banner, Empty, Page, Panel } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partName, titleText } from '#record/labels.ts'
import type { About, Overview, Person, Section } from '#rpc/summary.ts'
import type { Row } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { NeedsLook } from './attention.tsx'
import { FactLine, personLines, relationName } from './facts.tsx'
import { GuardingAsked } from './guarding-asked.tsx'
import { RecentResults } from './recent-results.tsx'

/** Where a section goes on, and its sign. */
const SECTIONS: readonly { readonly name: Section; readonly icon: IconName; readonly href: string }[] = [
  { name: 'conditions', icon: 'heart', href: '#/timeline?type=Condition' },
  { name: 'medications', icon: 'pill', href: '#/medicines' },
  { name: 'allergies', icon: 'alert', href: '#/timeline?type=AllergyIntolerance' },
  { name: 'vaccinations', icon: 'syringe', href: '#/timeline?type=Immunization' },
  { name: 'results', icon: 'flask', href: '#/results' },
  { name: 'procedures', icon: 'star', href: '#/timeline?type=Procedure' },
  { name: 'devices', icon: 'device', href: '#/timeline?type=Device' },
]

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
    <Page
      title={me.name}
      tab={t('nav.home')}
      lead={value?.opening ? t('home.opening', { said: lead ?? '' }) : lead}
      actions={
        value?.records ? (
          <>
            <Button component="a" href="#/summary" variant="default" leftSection={<Icon name="paper" size={19} />}>
              {t('ips.open')}
            </Button>
            <Button component="a" href="#/print" variant="default" leftSection={<Icon name="printer" size={19} />}>
              {t('summary.print')}
            </Button>
          </>
        ) : undefined
      }
    >
      <NeedsLook />
      <GuardingAsked />
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

/** Sections of which the records themselves say more than their cards. */
const TOLD_MORE = ['medications', 'allergies'] as const

function Summary({ value }: { readonly value: Overview }) {
  const { t, n } = useWords()
  const { api } = useVault()
  const ids = TOLD_MORE.flatMap(name => value.sections[name].facts.map(f => f.row.id))
  // Cards come at once; what the records say beyond them is fetched, and comes a moment later.
  const more = useAsk(() => api.about(ids), [ids.join()])
  return (
    <>
      {value.requests > 0 && (
        <Banner icon="share">
          <a href="#/share">{n('home.requests', value.requests)}</a>
        </Banner>
      )}
      {value.fresh && <Fresh fresh={value.fresh} />}
      <div className="kw-columns">
        {value.appointments.length > 0 && <Appointments rows={value.appointments} />}
        {SECTIONS.map(s =>
          s.name === 'results' ? <RecentResults key={s.name} /> : <FactsPanel key={s.name} {...s} value={value} about={more.value} />,
        )}
        <PersonPanel more={more} />
      </div>
      <Panel title={t('home.places')} icon="folder">
        <Parts value={value} />
        <p className="kw-dim kw-small kw-note-line">
          <Icon name="lock" size={18} />
          {value.shares ? n('home.shares', value.shares) : t('home.noShares')}
        </p>
      </Panel>
      <p className="kw-note-line">
        <Icon name="heart" size={20} />
        <a href="#/emergency">{t('emergency.link')}</a>
      </p>
      <p className="kw-note-line">
        <Icon name="star" size={20} />
        <a href="#/milestones">{t('milestones.link')}</a>
      </p>
    </>
  )
}

function Fresh({ fresh }: { readonly fresh: NonNullable<Overview['fresh']> }) {
  const words = useWords()
  return (
    <Banner icon="clock" title={words.n('summary.fresh', fresh.count, { date: words.time(fresh.since) })}>
      <ul className="kw-fresh">
        {fresh.rows.map(row => (
          <li key={row.id}>
            <a href={`#/record/${row.id}`}>{titleText(row.title)}</a>
            {row.author && <span className="kw-dim"> {words.t('timeline.by', { name: row.author })}</span>}
          </li>
        ))}
      </ul>
      {fresh.count > fresh.rows.length && <p>{words.n('summary.freshMore', fresh.count - fresh.rows.length)}</p>}
    </Banner>
  )
}

type FactsPanelProps = (typeof SECTIONS)[number] & { readonly value: Overview; readonly about: About | undefined }

function FactsPanel({ name, icon, href, value, about }: FactsPanelProps) {
  const { t, n } = useWords()
  const { facts, count, now, absent } = value.sections[name]
  const more = count - facts.length
  const over = facts.findIndex(f => f.over)
  const side = (more > 0 || name === 'medications') && count > 0 && (
    <a href={href}>{more > 0 ? t('home.more', { count: more }) : t('summary.all')}</a>
  )
  return (
    <Panel title={t(`summary.${name}`)} icon={icon} side={side}>
      {absent && (
        <RecordLine href={`#/record/${absent.row.id}`} title={t(`summary.${absent.kind}.${name}`)} side={<DateOf row={absent.row} />} />
      )}
      {facts.length > 0 ? (
        <ul>
          {facts.map((fact, i) => (
            <li key={fact.row.id}>
              {i === over && <h3 className="kw-facts-over">{now ? n('summary.over', count - now) : t('summary.allOver')}</h3>}
              <FactLine fact={fact} detail={about?.details[fact.row.id]} />
            </li>
          ))}
        </ul>
      ) : (
        !absent && <p className="kw-dim">{t(`summary.empty.${name}`)}</p>
      )}
    </Panel>
  )
}

const DateOf = ({ row }: { readonly row: Row }) => {
  const words = useWords()
  return row.date ? words.date(row.date) : null
}

function Appointments({ rows }: { readonly rows: readonly Row[] }) {
  const words = useWords()
  return (
    <Panel title={words.t('summary.appointments')} icon="visit">
      <ul>
        {rows.map(row => (
          <li key={row.id}>
            <RecordLine href={`#/record/${row.id}`} title={row.title} side={words.date(row.date)} />
          </li>
        ))}
      </ul>
    </Panel>
  )
}

function PersonPanel({ more }: { readonly more: Asked<About> }) {
  const words = useWords()
  const { t } = words
  const person = more.value?.person
  return (
    <Panel
      title={t('summary.person')}
      icon="person"
      side={person?.records[0] && <a href={`#/record/${person.records[0]}`}>{t('summary.source')}</a>}
    >
      {more.error && !more.value ? (
        <p className="kw-dim">{t('summary.personLater')}</p>
      ) : !more.value ? (
        <Waiting />
      ) : !person ? (
        <p className="kw-dim">{t('summary.empty.person')}</p>
      ) : (
        <dl className="kw-facts">
          {personLines(words, person).map(l => (
            <div className="kw-contents" key={l.label}>
              <dt>{l.label}</dt>
              <dd>{l.value}</dd>
            </div>
          ))}
          <dt>{t('person.contacts')}</dt>
          <dd>
            <Contacts person={person} />
          </dd>
        </dl>
      )}
    </Panel>
  )
}

function Contacts({ person }: { readonly person: Person }) {
  const words = useWords()
  if (!person.contacts.length) return <span className="kw-dim">{words.t('summary.empty.contacts')}</span>
  return (
    <ul>
      {person.contacts.map(c => (
        <li key={`${c.name}${c.phone}`}>
          {c.name}
          {c.relation && <span className="kw-dim">, {relationName(words, c.relation)}</span>}
          {c.phone && (
            <>
              {' · '}
              <a href={`tel:${c.phone.replace(/[^+\d]/g, '')}`}>{c.phone}</a>
            </>
          )}
          {c.email && ` · ${c.email}`}
        </li>
      ))}
    </ul>
  )
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
