import { Button } from '@mantine/core'
import { Icon } from '#parts/icon.tsx'
import { Banner } from '#parts/page.tsx'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'

export type Why = 'no-image' | 'coding' | 'cut' | 'large' | 'odd' | 'unreadable' | 'decode' | 'gone' | 'kind' | 'pdf' | 'locked' | 'heavy'

const NAMES: Readonly<Record<Why, Key>> = {
  'no-image': 'images.whyNoImage',
  coding: 'images.whyCoding',
  cut: 'images.whyCut',
  large: 'images.whyLarge',
  odd: 'images.whyOdd',
  unreadable: 'images.whyUnreadable',
  decode: 'images.whyDecode',
  gone: 'images.whyGone',
  kind: 'images.whyKind',
  pdf: 'images.whyPdf',
  locked: 'images.whyLocked',
  heavy: 'images.whyHeavy',
}

type RefusalProps = { readonly why: Why; readonly size?: number; readonly onSave?: () => void }

/** What cannot be shown says why, and can be saved. */
export const Refusal = ({ why, size = 0, onSave }: RefusalProps) => {
  const { t, bytes } = useWords()
  return (
    <Banner tone={why === 'no-image' || why === 'kind' ? 'plain' : 'warn'} title={t('images.refused')}>
      <p>{t(NAMES[why], { size: bytes(size) })}</p>
      {onSave && (
        <Button mt="sm" size="sm" variant="default" leftSection={<Icon name="save" size={18} />} onClick={onSave}>
          {t('record.save')}
        </Button>
      )}
    </Banner>
  )
}
