import { Button } from '@mantine/core'
import { useWords } from '#words/context.tsx'

export const PrintButton = () => {
  const { t } = useWords()
  return (
    <Button variant="default" className="kw-no-print" onClick={() => window.print()}>
      {t('results.print')}
    </Button>
  )
}
