import { Button, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Icon } from '#parts/icon.tsx'
import { Banner, Empty, Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partName, purposeName, titleText } from '#record/labels.ts'
import type { DeskShare, WriteInput, Written } from '#rpc/clinician.ts'
import { useWords } from '#words/context.tsx'
import { KINDS, type Kind, WriteForm } from './forms.tsx'
import { partsText } from './gate.tsx'

/** The page for those who may add and not read, and the way to it from the work list. */
export function AddPage({ did }: { readonly did: string }) {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.desk(null), [did], ['sharing'])
  const patient = value?.patients.find(p => p.did === did)
  return (
    <Page
      title={patient ? t('write.title', { name: patient.name }) : t('session.add')}
      tab={t('desk.title')}
      back={{ href: '#/desk', label: t('desk.title') }}
    >
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : patient ? (
        <AddTo did={did} name={patient.name} reader={value.reader} />
      ) : (
        <Empty icon="folder" title={t('gate.gone')}>
          {t('gate.goneNote')}
        </Empty>
      )}
    </Page>
  )
}

type AddProps = { readonly did: string; readonly name: string; readonly reader: { readonly person: string } }

/** Writes something back to a patient, signed; or says how to ask for that. */
export function AddTo({ did, name, reader }: AddProps) {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.desk(null), [did], ['sharing'])
  if (error && !value) return <Failed error={error} onRetry={again} />
  if (!value) return <Waiting />
  const shares = value.patients.filter(p => p.did === did).flatMap(p => p.shares)
  const share = shares.find(s => s.state === 'live' && s.mayAdd)
  if (share) return <Writing share={share} person={reader.person} />
  return (
    <Panel>
      <Empty
        icon="paper"
        title={t('write.none', { name })}
        actions={
          <Button component="a" href={`#/desk/ask?to=${encodeURIComponent(did)}&level=write`}>
            {t('write.ask')}
          </Button>
        }
      >
        {t('write.noneNote')}
      </Empty>
    </Panel>
  )
}

type WritingProps = { readonly share: DeskShare; readonly person: string }

function Writing({ share, person: first }: WritingProps) {
  const words = useWords()
  const { t } = words
  const { api, me } = useVault()
  const [kind, setKind] = useState<Kind>('note')
  const [person, setPerson] = useState(first)
  const [done, setDone] = useState<readonly Written[]>([])
  const [missing, setMissing] = useState<readonly string[]>([])
  const { name, purposes } = share
  const [purpose = 'TREAT'] = purposes
  const sending = useDo(async (what: WriteInput) => {
    const written = await api.writeBack({ to: share.did, purpose, person, what })
    setDone(d => [written, ...d])
  })
  const submit = (e: FormEvent, what: WriteInput | readonly string[]): void => {
    e.preventDefault()
    const lacks = 'kind' in what ? [] : what
    setMissing(lacks)
    if ('kind' in what) sending.run(what)
  }
  const terms = { parts: partsText(words, share), purpose: purposeName(words, purpose), date: words.day(share.until) }
  return (
    <div className="kw-stack">
      <p className="kw-dim">
        {t('write.lead', { name })} {t('write.covers', terms)}
      </p>
      {done[0] && <Sent key={done.length} written={done[0]} name={name} />}
      <Panel>
        <div className="kw-stack">
          <fieldset className="kw-chips">
            <legend>{t('write.kind')}</legend>
            {KINDS.map(k => (
              <label key={k}>
                <input
                  type="radio"
                  name="kind"
                  checked={k === kind}
                  onChange={() => {
                    setKind(k)
                    setMissing([])
                    sending.clear()
                  }}
                />
                {t(`write.${k}`)}
              </label>
            ))}
          </fieldset>
          <TextInput
            label={t('write.signer')}
            description={t('write.signerHint', { vault: me.name })}
            autoComplete="name"
            maxLength={200}
            value={person}
            onChange={e => setPerson(e.currentTarget.value)}
          />
          {/* What was sent makes room for the next. */}
          <WriteForm key={`${kind} ${done.length}`} kind={kind} onSubmit={submit}>
            {missing.length > 0 && (
              <Banner tone="warn" urgent>
                {t('write.missing', { fields: words.list(missing) })}
              </Banner>
            )}
            {sending.error !== null && <Failed error={sending.error} />}
            <div>
              <Button type="submit" leftSection={<Icon name="shield" size={19} />} loading={sending.busy}>
                {t('write.go')}
              </Button>
            </div>
          </WriteForm>
        </div>
      </Panel>
      {done.length > 1 && (
        <Panel title={t('write.done')}>
          <ul className="kw-bullets">
            {done.map(w => (
              <li key={`${w.at} ${w.title}`}>{titleText(w.title)}</li>
            ))}
          </ul>
        </Panel>
      )}
    </div>
  )
}

function Sent({ written, name }: { readonly written: Written; readonly name: string }) {
  const words = useWords()
  const { t } = words
  const { filed, part, title } = written
  return (
    <Banner icon="check" urgent title={t('write.sent', { name, title: titleText(title) })}>
      {filed === 'inbox'
        ? t('write.inbox', { name, part: partName(words, part === 'inbox' ? 'general' : part) })
        : t('write.sentNote', { name, part: partName(words, filed) })}
    </Banner>
  )
}
