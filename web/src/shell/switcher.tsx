import { Button, Modal } from '@mantine/core'
import { useEffect, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon, type IconName, Sign } from '#parts/icon.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import type { ShareView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { useHash } from './route.ts'

/** Whose record is open, and the way to another one. */
export function Switcher() {
  const { t } = useWords()
  const { me } = useVault()
  const [open, setOpen] = useState(false)
  const hash = useHash()
  // biome-ignore lint/correctness/useExhaustiveDependencies: a link in the dialog was followed
  useEffect(() => setOpen(false), [hash])
  if (me.sample) return <strong>{me.name}</strong>
  return (
    <>
      <button
        className="kw-switch"
        type="button"
        aria-label={t('switch.label', { name: me.name })}
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        <span>{me.name}</span>
        <Icon name="down" size={18} />
      </button>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title={t('switch.title')}
        closeButtonProps={{ 'aria-label': t('app.close') }}
        lockScroll={false}
        centered
        size="lg"
      >
        {open && <Choose />}
      </Modal>
    </>
  )
}

const Mark = ({ name }: { readonly name: IconName }) => <Sign name={name} tone="brand" />

function Choose() {
  const { t } = useWords()
  const { api, me, switchTo, care } = useVault()
  const others = useAsk(() => api.others(null), [])
  const shares = useAsk(() => api.shares(null), [])
  const received = (shares.value?.received ?? []).filter(s => s.state === 'live')
  return (
    <div className="kw-stack">
      <ul className="kw-lines">
        <li aria-current="true">
          <RecordLine glyph={<Mark name="check" />} title={me.name} sub={t('switch.here')} />
        </li>
      </ul>
      {others.value && others.value.length > 0 && (
        <section className="kw-stack kw-stack-tight">
          <h3>{t('switch.others')}</h3>
          <ul className="kw-lines">
            {others.value.map(v => (
              <li key={v.did}>
                <button className="kw-line-button" type="button" onClick={() => switchTo(v.did)}>
                  <RecordLine glyph={<Mark name="lock" />} title={v.name} sub={t('switch.locked')} />
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {received.length > 0 && <SharedWithMe shares={received} />}
      <Button variant="default" leftSection={<Icon name="add" size={20} />} onClick={care}>
        {t('switch.care')}
      </Button>
      <p className="kw-dim kw-small">{t('switch.note')}</p>
    </div>
  )
}

/** Records of others that one reads or looks after; their keys are not here, only what their owners shared. */
function SharedWithMe({ shares }: { readonly shares: readonly ShareView[] }) {
  const { t } = useWords()
  return (
    <section className="kw-stack kw-stack-tight">
      <h3>{t('switch.shared')}</h3>
      <ul className="kw-lines">
        {shares.map(s => (
          <li key={s.id}>
            <RecordLine href={`#/desk/of/${s.id}`} glyph={<Mark name="person" />} title={s.name} sub={t(`switch.shared.${s.level}`)} />
          </li>
        ))}
      </ul>
    </section>
  )
}
