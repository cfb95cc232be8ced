import { Button, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Confirm, Consequences } from '#parts/dialog.tsx'
import { Banner, Page, Panel, Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { PersonView } from '#rpc/sharing.ts'
import type { ShareView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'
import { scopeText, timeLeft } from './share-terms.tsx'
import { VouchedLine } from './vouched.tsx'

/** One person: whether it is they, what is between you, and how to part. */
export function PersonPage({ did }: { readonly did: string }) {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(
    async () => {
      const [person, shares, vouched] = await Promise.all([api.person(did), api.shares(null), api.vouchedFor(did)])
      const live = (s: ShareView): boolean => s.did === did && s.state === 'live'
      return { person, vouched, given: shares.given.filter(live), received: shares.received.filter(live) }
    },
    [did],
    ['sharing'],
  )
  const name = value?.person.contact.name ?? ''
  return (
    <Page
      title={name || t('sharing.person')}
      tab={t('share.title')}
      back={{ href: '#/share', label: t('share.title') }}
      actions={
        value?.person.contact.verified ? (
          <Button component="a" href={`#/new-share?to=${encodeURIComponent(did)}`}>
            {t('share.new')}
          </Button>
        ) : undefined
      }
    >
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <>
          <Standing person={value.person} />
          <VouchedLine vouched={value.vouched} name={name} />
          <div className="kw-grid">
            <Codes key={value.person.code} person={value.person} onChange={again} />
            <Between given={value.given} received={value.received} />
            <Keep person={value.person} bound={value.given.length + value.received.length > 0} onChange={again} />
          </div>
        </>
      )}
    </Page>
  )
}

function Standing({ person: { contact, code, changed } }: { readonly person: PersonView }) {
  const { t } = useWords()
  const { name } = contact
  return (
    <>
      {code === null && (
        <Banner icon="offline" tone="warn">
          {t('sharing.unreachable', { name })}
        </Banner>
      )}
      {!contact.verified ? (
        <Banner tone="warn">{t('sharing.unverified', { name })}</Banner>
      ) : changed ? (
        <Banner tone="warn">{t('sharing.changed', { name })}</Banner>
      ) : (
        <Banner icon="check">{t('sharing.verified')}</Banner>
      )}
    </>
  )
}

/** Two codes, read to each other on another way; equal ones make an unknown contact a known one. */
function Codes({ person, onChange }: { readonly person: PersonView; readonly onChange: () => Promise<void> }) {
  const { t } = useWords()
  const { api } = useVault()
  const { contact, ownCode, changed } = person
  const code = person.code ?? contact.fingerprint
  const [said, setSaid] = useState<'same' | 'differ' | null>(null)
  const confirming = useDo(async () => {
    await api.confirmPerson({ did: contact.did, fingerprint: code })
    await onChange()
    setSaid('same')
  })
  const open = !contact.verified || changed
  return (
    <Panel title={t('sharing.compare')} icon="shield">
      <div className="kw-stack">
        <p className="kw-dim">{t('sharing.compareHow', { name: contact.name })}</p>
        <dl className="kw-codes">
          <div>
            <dt>{t('sharing.theirCode', { name: contact.name })}</dt>
            <dd className="kw-mono" data-testid="their-code">
              {code}
            </dd>
          </div>
          <div>
            <dt>{t('sharing.yourCode')}</dt>
            <dd className="kw-mono" data-testid="own-code">
              {ownCode}
            </dd>
          </div>
        </dl>
        {said === 'differ' && (
          <Banner tone="bad" urgent>
            {t('sharing.differs', { name: contact.name })}
          </Banner>
        )}
        {said === 'same' && (
          <Banner icon="check" urgent>
            {t('sharing.compared', { name: contact.name })}
          </Banner>
        )}
        {confirming.error !== null && <Failed error={confirming.error} />}
        {open && (
          <div className="kw-row">
            <Button loading={confirming.busy} disabled={person.code === null} onClick={() => confirming.run()}>
              {t('sharing.same')}
            </Button>
            <Button variant="default" onClick={() => setSaid('differ')}>
              {t('sharing.differ')}
            </Button>
          </div>
        )}
      </div>
    </Panel>
  )
}

function Between({ given, received }: { readonly given: readonly ShareView[]; readonly received: readonly ShareView[] }) {
  const words = useWords()
  const { t } = words
  return (
    <Panel title={t('sharing.withThem')} icon="share">
      {given.length + received.length === 0 ? (
        <p className="kw-dim">{t('sharing.withNone')}</p>
      ) : (
        <ul className="kw-lines">
          {given.map(s => (
            <li key={s.id}>
              <RecordLine
                wrap
                href={`#/share/${s.id}`}
                title={t('sharing.youShare', { what: scopeText(words, s) })}
                sub={timeLeft(words, s.until)}
                side={s.of ? <Tag>{s.of.name}</Tag> : undefined}
              />
            </li>
          ))}
          {received.map(s => (
            <li key={s.id}>
              <RecordLine
                wrap
                href={
                  s.level === 'write'
                    ? `#/desk/add/${encodeURIComponent(s.did)}`
                    : s.level === 'admin'
                      ? `#/cared/${s.id}`
                      : `#/desk/of/${s.id}`
                }
                title={t('sharing.theyShare', { what: scopeText(words, s) })}
                sub={timeLeft(words, s.until)}
              />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

type KeepProps = { readonly person: PersonView; readonly bound: boolean; readonly onChange: () => Promise<void> }

function Keep({ person: { contact }, bound, onChange }: KeepProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [name, setName] = useState(contact.name)
  const [asking, setAsking] = useState(false)
  const renaming = useDo(async () => {
    await api.renamePerson({ did: contact.did, name })
    await onChange()
  })
  const forgetting = useDo(async () => {
    await api.forgetPerson(contact.did)
    location.hash = '#/share'
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    renaming.run()
  }
  return (
    <Panel title={t('sharing.rename')} icon="person">
      <form className="kw-stack" onSubmit={submit}>
        <TextInput
          label={t('sharing.renameLabel')}
          maxLength={100}
          autoComplete="off"
          value={name}
          onChange={e => setName(e.currentTarget.value)}
        />
        {renaming.error !== null && <Failed error={renaming.error} />}
        <div className="kw-row">
          <Button type="submit" variant="default" loading={renaming.busy} disabled={!name.trim() || name === contact.name}>
            {t('sharing.rename')}
          </Button>
          <Button variant="subtle" color="red" disabled={bound} onClick={() => setAsking(true)}>
            {t('sharing.forget')}
          </Button>
        </div>
        {bound && <p className="kw-dim kw-small">{t('sharing.forgetBound')}</p>}
        <details className="kw-small">
          <summary>{t('sharing.details')}</summary>
          <p className="kw-mono">{contact.did}</p>
        </details>
      </form>
      <Confirm
        open={asking}
        title={t('sharing.forgetTitle', { name: contact.name })}
        cancel={t('app.cancel')}
        go={t('sharing.forgetGo')}
        busy={forgetting.busy}
        error={forgetting.error === null ? null : errorText(words, forgetting.error)}
        onClose={() => setAsking(false)}
        onGo={() => forgetting.run()}
      >
        <Consequences title={t('share.endNow')} items={[t('sharing.forget1', { name: contact.name }), t('sharing.forget2')]} />
      </Confirm>
    </Panel>
  )
}
