import { Button, Modal } from '@mantine/core'
import type { FormEvent, ReactNode } from 'react'
import { Banner } from './page.tsx'
import { Failed } from './state.tsx'

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

type FormDialogProps = Pick<ConfirmProps, 'title' | 'cancel' | 'go' | 'busy' | 'disabled' | 'onClose' | 'onGo' | 'children'> & {
  /** What went wrong at the last try; null for nothing. */
  readonly error: unknown
  /** What it does cannot be undone. */
  readonly grave?: boolean
}

/** Asks for something more before it is done. The field to begin in says so itself, by `data-autofocus`. */
export function FormDialog({ title, cancel, go, busy, disabled, error, grave, onClose, onGo, children }: FormDialogProps) {
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    onGo()
  }
  return (
    <Modal opened onClose={onClose} title={title} lockScroll={false} withCloseButton={false} centered size="lg">
      <form className="kw-stack" onSubmit={submit} noValidate>
        {children}
        {error !== null && <Failed error={error} />}
        <div className="kw-row kw-row-end">
          <Button variant="default" onClick={onClose} disabled={busy}>
            {cancel}
          </Button>
          <Button type="submit" loading={busy} disabled={disabled ?? false} {...(grave ? { color: 'red' } : {})}>
            {go}
          </Button>
        </div>
      </form>
    </Modal>
  )
}

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
