import { Button, NativeSelect, Textarea } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Banner, Empty, Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { Deadlines, Law, Right } from '#rpc/rights.ts'
import type { CompartmentView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { PickRecords } from './pick-records.tsx'

/** Records that one request names. */
const MOST = 64

type AskProps = {
  /** What to begin with. */
  readonly right: string
  readonly record: string
  readonly to: string
}

/** Asks somebody who keeps data about this person for a right; the deadline is said before it is sent. */
export function AskRight(props: AskProps) {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(
    async () => {
      const [contacts, parts, deadlines] = await Promise.all([api.contacts(null), api.compartments(null), api.deadlines(null)])
      return { people: contacts.map(c => ({ value: c.did, label: c.name })), parts, deadlines }
    },
    [],
    ['sharing'],
  )
  return (
    <Page title={t('claim.title')} tab={t('rights.title')} lead={t('claim.lead')} back={{ href: '#/rights', label: t('rights.title') }}>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : value.people.length ? (
        <Form {...value} {...props} />
      ) : (
        <Panel>
          <Empty
            icon="person"
            title={t('share.people')}
            actions={
              <Button component="a" href="#/invite">
                {t('share.invite')}
              </Button>
            }
          >
            {t('claim.nobody')}
          </Empty>
        </Panel>
      )}
    </Page>
  )
}

type FormProps = AskProps & {
  readonly people: readonly { readonly value: string; readonly label: string }[]
  readonly parts: readonly CompartmentView[]
  readonly deadlines: Deadlines
}

function Form({ people, parts, deadlines, ...first }: FormProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const rights = [...new Set(deadlines.map(d => d.right))]
  const [to, setTo] = useState(people.some(p => p.value === first.to) ? first.to : people[0]!.value)
  const [right, setRight] = useState<Right>(rights.find(r => r === first.right) ?? 'access')
  const [law, setLaw] = useState<Law>('gdpr')
  const [records, setRecords] = useState<readonly string[]>(first.record ? [first.record] : [])
  const [text, setText] = useState('')
  const [due, setDue] = useState<number | null>(null)
  const laws = deadlines.filter(d => d.right === right)
  const deadline = laws.find(d => d.law === law) ?? laws[0]!
  const about = right === 'rectify' || right === 'erase'
  const many = about && records.length > MOST
  const lacks = many || (right === 'rectify' && (!records.length || !text.trim()))
  const asking = useDo(async () => {
    setDue(await api.askRight({ to, right, law: deadline.law, records: about ? records : [], text: text.trim() }))
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    if (!lacks) asking.run()
  }
  if (due !== null)
    return (
      <Banner icon="check" urgent title={t('claim.done', { name: people.find(p => p.value === to)?.label ?? '', date: words.day(due) })}>
        <a href="#/rights">{t('claim.doneGo')}</a>
      </Banner>
    )
  return (
    <Panel>
      <form className="kw-stack kw-stack-wide" onSubmit={submit}>
        <NativeSelect label={t('claim.who')} value={to} onChange={e => setTo(e.currentTarget.value)} data={[...people]} />
        <NativeSelect
          label={t('claim.what')}
          value={right}
          onChange={e => setRight(e.currentTarget.value as Right)}
          data={rights.map(r => ({ value: r, label: t(`right.${r}`) }))}
        />
        <NativeSelect
          label={t('claim.law')}
          description={t('claim.due', { date: words.day(deadline.due), source: deadline.source })}
          value={deadline.law}
          onChange={e => setLaw(e.currentTarget.value as Law)}
          data={laws.map(d => ({ value: d.law, label: t(`claim.${d.law}`) }))}
        />
        {about && <PickRecords parts={parts} chosen={records} onChoose={setRecords} />}
        <Textarea
          label={t(right === 'rectify' ? 'claim.textRectify' : 'claim.text')}
          rows={5}
          maxLength={4000}
          value={text}
          onChange={e => setText(e.currentTarget.value)}
        />
        {lacks && <p className="kw-dim">{t(many ? 'claim.many' : 'claim.missing')}</p>}
        {asking.error !== null && <Failed error={asking.error} />}
        <div>
          <Button type="submit" loading={asking.busy} disabled={lacks}>
            {t('claim.go')}
          </Button>
        </div>
      </form>
    </Panel>
  )
}
