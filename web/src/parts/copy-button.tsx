import { Button } from '@mantine/core'
import { useEffect, useState } from 'react'
import { Icon } from './icon.tsx'

type CopyProps = { readonly text: string; readonly label: string; readonly done: string; readonly quiet?: boolean }

export function CopyButton({ text, label, done, quiet }: CopyProps) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 2500)
    return () => clearTimeout(timer)
  }, [copied])
  return (
    <Button
      variant={quiet ? 'subtle' : 'light'}
      size={quiet ? 'sm' : 'md'}
      leftSection={copied ? <Icon name="check" size={18} /> : undefined}
      onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
    >
      <span aria-live="polite">{copied ? done : label}</span>
    </Button>
  )
}
