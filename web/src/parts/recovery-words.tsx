import { Button, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useWords } from '#words/context.tsx'
import { Icon } from './icon.tsx'
import { Banner } from './page.tsx'

/** The words, shown the only time they can be. */
export function WordList({ words, onDone }: { readonly words: readonly string[]; readonly onDone: () => void }) {
  const { t } = useWords()
  return (
    <>
      <p className="kw-lead">{t('begin.wordsLead')}</p>
      <ol className="kw-words" data-testid="words">
        {words.map((word, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a word may occur twice, its place not
          <li key={i}>{word}</li>
        ))}
      </ol>
      <Banner tone="warn">{t('begin.wordsWarn')}</Banner>
      <div className="kw-stack kw-no-print">
        <Button size="lg" onClick={onDone}>
          {t('begin.wordsDone')}
        </Button>
        <Button variant="subtle" leftSection={<Icon name="printer" size={19} />} onClick={() => window.print()}>
          {t('begin.wordsPrint')}
        </Button>
      </div>
    </>
  )
}

/** Three places, spread over the list; which ones is the browser's choice each time. */
function somePlaces(count: number): number[] {
  const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint8Array(3))
  const third = count / 3
  return [a, b, c].map((r, i) => Math.floor(i * third + (r / 256) * third))
}

type CheckProps = {
  readonly words: readonly string[]
  readonly title: ReactNode
  readonly go: string
  readonly busy: boolean
  readonly failed: ReactNode
  readonly onBack: () => void
  readonly onRight: () => void
}

/** Asks for three of the words, so that a note that was not written is noticed while it still can be. */
export function WordsCheck({ words, title, go, busy, failed, onBack, onRight }: CheckProps) {
  const { t } = useWords()
  const [places] = useState(() => somePlaces(words.length))
  const [typed, setTyped] = useState<readonly string[]>(['', '', ''])
  const [tried, setTried] = useState(false)
  const right = (i: number): boolean => typed[i]?.trim().toLowerCase() === words[places[i]!]
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    setTried(true)
    if (places.every((_, i) => right(i))) onRight()
  }
  return (
    <form className="kw-stack kw-stack-wide" onSubmit={submit}>
      {title}
      <p className="kw-lead">{t('begin.checkLead')}</p>
      {places.map((place, i) => (
        <TextInput
          key={place}
          label={t('begin.checkWord', { number: place + 1 })}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          value={typed[i] ?? ''}
          error={tried && !right(i) ? t('begin.checkWrong', { number: place + 1 }) : undefined}
          onChange={e => setTyped(typed.map((v, n) => (n === i ? e.currentTarget.value : v)))}
        />
      ))}
      {failed}
      <div className="kw-row kw-row-between">
        <Button variant="subtle" onClick={onBack}>
          {t('begin.checkBack')}
        </Button>
        <Button type="submit" loading={busy}>
          {go}
        </Button>
      </div>
    </form>
  )
}
