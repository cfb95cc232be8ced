import { Switch } from '@mantine/core'
import { Banner } from '#parts/page.tsx'
import type { VouchedView } from '#rpc/sharing.ts'
import { useWords } from '#words/context.tsx'

/** What an issuer says of somebody, and whether it counts now; nothing where nobody ever vouched for them. */
export function VouchedLine({ vouched, name }: { readonly vouched: VouchedView | null; readonly name: string }) {
  const words = useWords()
  const { t } = words
  if (!vouched) return null
  const { role, issuer, until, state } = vouched
  if (state === 'unknown') return <p className="kw-dim">{t('vouched.unknown', { name })}</p>
  return state === 'live' ? (
    <Banner icon="check">
      <p>{t('vouched.live', { name: vouched.name, role, date: words.day(until) })}</p>
      <p className="kw-small kw-mono kw-wrap">{t('vouched.issuer', { issuer })}</p>
    </Banner>
  ) : (
    <Banner tone="warn">{t('vouched.ended', { name, role })}</Banner>
  )
}

type Choosing = {
  readonly vouched: VouchedView | null
  readonly name: string
  readonly chosen: boolean
  readonly onChoose: (chosen: boolean) => void
}

/** Whether a share is to end with the word of whoever vouches for them. */
export function Vouched({ vouched, name, chosen, onChoose }: Choosing) {
  const { t } = useWords()
  if (vouched?.state !== 'live') return null
  return (
    <Switch
      mt="md"
      label={t('vouched.choose')}
      description={t('vouched.chooseNote', { name })}
      checked={chosen}
      onChange={e => onChoose(e.currentTarget.checked)}
    />
  )
}
