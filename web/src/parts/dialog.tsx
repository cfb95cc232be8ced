import { Button, Modal } from '@mantine/core'
import type { ReactNode } from 'react'
import { Banner } from './page.tsx'

type ConfirmProps = {
  readonly open: boolean
  readonly title: string
  readonly cancel: string
  readonly go: string
  readonly busy: boolean
  readonly disabled?: boolean
  /** For what can be undone later. */
  readonly calm?: boolean
  readonly error: string | null
  readonly onClose: () => void
  readonly onGo: () => void
  readonly children: ReactNode
}

/** Asks before what cannot be undone; the answer that changes nothing is the one at hand. */
export const Confirm = ({ open, title, cancel, go, busy, disabled, calm, error, onClose, onGo, children }: ConfirmProps) => (
  <Modal opened={open} onClose={onClose} title={title} lockScroll={false} withCloseButton={false} centered size="lg">
    <div className="kw-stack">
      {children}
      {error && (
        <Banner tone="bad" urgent>
          {error}
        </Banner>
      )}
      <div className="kw-row kw-row-end">
        <Button variant="default" onClick={onClose} disabled={busy} data-autofocus>
          {cancel}
        </Button>
        <Button {...(calm ? {} : { color: 'red' })} onClick={onGo} loading={busy} disabled={disabled ?? false}>
          {go}
        </Button>
      </div>
    </div>
  </Modal>
)

/** What happens and what cannot be undone, side by side in plain words. */
export const Consequences = ({ title, items }: { readonly title: string; readonly items: readonly string[] }) => (
  <div className="kw-stack kw-stack-tight">
    <h3>{title}</h3>
    <ul className="kw-bullets">
      {items.map(item => (
        <li key={item}>{item}</li>
      ))}
    </ul>
  </div>
)
