import { Button, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Confirm, FormDialog } from '#parts/dialog.tsx'
import { Icon, Sign } from '#parts/icon.tsx'
import { LinkPanel } from '#parts/link-panel.tsx'
import { Banner, Page, Panel, Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { DeviceView } from '#rpc/devices.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'

/** Whatever opens this record, and the way to let one more in or lock one out. */
export function Devices() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.devices(null), [], ['sharing'])
  const [leaving, setLeaving] = useState<DeviceView | null>(null)
  const [naming, setNaming] = useState<DeviceView | null>(null)
  const done = async (): Promise<void> => {
    await again()
    setLeaving(null)
    setNaming(null)
  }
  return (
    <Page
      title={t('devices.title')}
      tab={t('settings.title')}
      lead={t('devices.lead')}
      back={{ href: '#/settings', label: t('settings.title') }}
      actions={
        <Button component="a" href="#/add-device" leftSection={<Icon name="add" size={20} />}>
          {t('devices.add')}
        </Button>
      }
    >
      {error ? <Failed error={error} onRetry={again} /> : !value && <Waiting />}
      {value?.length === 1 && <Banner icon="device">{t('devices.one')}</Banner>}
      {value && (
        <Panel>
          <ul className="kw-lines">
            {value.map(d => (
              <li key={d.id}>
                <OneDevice device={d} onRename={() => setNaming(d)} onRemove={() => setLeaving(d)} />
              </li>
            ))}
          </ul>
        </Panel>
      )}
      <LinkPanel title={t('devices.lost')} icon="key" text={t('devices.lostLead')} href="#/settings/keys" go={t('devices.lostGo')} />
      {leaving && <Remove device={leaving} onClose={() => setLeaving(null)} onDone={done} />}
      {naming && <Rename device={naming} onClose={() => setNaming(null)} onDone={done} />}
    </Page>
  )
}

type OneProps = { readonly device: DeviceView; readonly onRename: () => void; readonly onRemove: () => void }

function OneDevice({ device: d, onRename, onRemove }: OneProps) {
  const words = useWords()
  const { t } = words
  return (
    <div className="kw-row kw-row-between">
      <RecordLine wrap glyph={<Sign name="device" tone="brand" />} title={d.name} sub={t('settings.since', { date: words.day(d.since) })} />
      <div className="kw-row">
        {d.here && <Tag tone="brand">{t('settings.here')}</Tag>}
        <Button size="sm" variant="subtle" onClick={onRename} aria-label={`${t('devices.rename')}: ${d.name}`}>
          {t('devices.rename')}
        </Button>
        {!d.here && (
          <Button size="sm" variant="default" onClick={onRemove}>
            {t('settings.remove')}
          </Button>
        )}
      </div>
    </div>
  )
}

type AskProps = { readonly device: DeviceView; readonly onClose: () => void; readonly onDone: () => Promise<void> }

function Remove({ device, onClose, onDone }: AskProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const removing = useDo(async () => {
    await api.removeDevice(device.id)
    await onDone()
  })
  return (
    <Confirm
      open
      title={t('settings.removeTitle', { name: device.name })}
      cancel={t('app.cancel')}
      go={t('settings.removeGo')}
      busy={removing.busy}
      error={removing.error === null ? null : errorText(words, removing.error)}
      onClose={onClose}
      onGo={() => removing.run()}
    >
      <p>{t('settings.removeNote')}</p>
    </Confirm>
  )
}

function Rename({ device, onClose, onDone }: AskProps) {
  const { t } = useWords()
  const { api } = useVault()
  const [name, setName] = useState(device.name)
  const saving = useDo(async () => {
    await api.renameDevice({ id: device.id, name: name.trim() })
    await onDone()
  })
  return (
    <FormDialog
      title={t('devices.renameTitle')}
      cancel={t('app.cancel')}
      go={t('devices.save')}
      busy={saving.busy}
      error={saving.error}
      onClose={onClose}
      onGo={() => name.trim() && saving.run()}
    >
      <TextInput
        label={t('devices.renameLabel')}
        maxLength={60}
        value={name}
        onChange={e => setName(e.currentTarget.value)}
        data-autofocus
      />
    </FormDialog>
  )
}
