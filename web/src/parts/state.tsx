import { Button, Loader } from '@mantine/core'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'
import { Banner } from './page.tsx'

/** While something is on its way: said, not only shown. */
export const Waiting = ({ text }: { readonly text?: string }) => {
  const { t } = useWords()
  return (
    <div className="kw-waiting" role="status" data-testid="waiting">
      <Loader size="sm" />
      <span>{text ?? t('app.loading')}</span>
    </div>
  )
}

/** What went wrong, what to do, and a way to try again. */
export const Failed = ({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) => {
  const words = useWords()
  return (
    <Banner tone="bad" title={words.t('error.title')} urgent>
      <p>{errorText(words, error)}</p>
      {onRetry && (
        <Button mt="sm" variant="default" size="sm" onClick={onRetry}>
          {words.t('app.retry')}
        </Button>
      )}
    </Banner>
  )
}
