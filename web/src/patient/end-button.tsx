import { Button } from '@mantine/core'
import { useState } from 'react'
import { useDo } from '#client/use-do.ts'
import { Confirm, Consequences } from '#parts/dialog.tsx'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'

type Props = {
  readonly name: string
  readonly title: string
  readonly go: string
  /** What ending it will do. */
  readonly items: readonly string[]
  readonly end: () => Promise<unknown>
}

/** Ends an arrangement that stands for a long time, after saying what that will do. */
export function EndButton({ name, title, go, items, end }: Props) {
  const words = useWords()
  const { t } = words
  const [asking, setAsking] = useState(false)
  const ending = useDo(async () => {
    await end()
    setAsking(false)
  })
  return (
    <>
      <Button variant="subtle" color="red" onClick={() => setAsking(true)}>
        {name}
      </Button>
      <Confirm
        open={asking}
        title={title}
        cancel={t('app.cancel')}
        go={go}
        busy={ending.busy}
        error={ending.error === null ? null : errorText(words, ending.error)}
        onClose={() => setAsking(false)}
        onGo={() => ending.run()}
      >
        <Consequences title={t('record.eraseWhat')} items={items} />
      </Confirm>
    </>
  )
}
