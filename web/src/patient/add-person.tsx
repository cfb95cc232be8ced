import { Button, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { CopyButton } from '#parts/copy-button.tsx'
import { Page, Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import { useWords } from '#words/context.tsx'

/** Someone by their identity alone; who it is shows when codes are compared. */
export function AddPerson() {
  const { t } = useWords()
  const { api, me } = useVault()
  const [did, setDid] = useState('')
  const [name, setName] = useState('')
  const [relay, setRelay] = useState('')
  const adding = useDo(async () => {
    location.hash = `#/person/${encodeURIComponent(await api.addPerson({ did, name, relay }))}`
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    adding.run()
  }
  return (
    <Page
      title={t('sharing.addById')}
      tab={t('share.title')}
      back={{ href: '#/share', label: t('share.title') }}
      lead={t('sharing.addByIdLead')}
    >
      <div className="kw-grid">
        <Panel>
          <form className="kw-stack kw-form" onSubmit={submit}>
            <TextInput
              label={t('sharing.idName')}
              description={t('invite.nameHint')}
              maxLength={100}
              autoComplete="off"
              value={name}
              onChange={e => setName(e.currentTarget.value)}
            />
            <Textarea
              label={t('sharing.id')}
              description={t('sharing.idHint')}
              rows={3}
              classNames={{ input: 'kw-mono' }}
              autoComplete="off"
              spellCheck={false}
              value={did}
              onChange={e => setDid(e.currentTarget.value)}
            />
            <TextInput
              label={t('sharing.idRelay')}
              description={t('sharing.idRelayHint')}
              autoComplete="off"
              inputMode="url"
              value={relay}
              onChange={e => setRelay(e.currentTarget.value)}
            />
            {adding.error !== null && <Failed error={adding.error} />}
            <div>
              <Button type="submit" loading={adding.busy} disabled={!did.trim() || !name.trim()}>
                {t('sharing.idGo')}
              </Button>
            </div>
          </form>
        </Panel>
        <Panel title={t('sharing.idOwn')} icon="person">
          <div className="kw-stack">
            <p className="kw-dim">{t('sharing.idOwnNote')}</p>
            <p className="kw-mono" data-testid="own-id">
              {me.did}
            </p>
            <p className="kw-dim">{t('sharing.idOwnRelay', { address: me.relay })}</p>
            <div>
              <CopyButton text={me.did} label={t('sharing.copyId')} done={t('app.copied')} />
            </div>
          </div>
        </Panel>
      </div>
    </Page>
  )
}
