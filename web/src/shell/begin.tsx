import { Button, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { useDo } from '#client/use-do.ts'
import { Icon } from '#parts/icon.tsx'
import { Logo } from '#parts/logo.tsx'
import { Banner } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import type { Client } from '#rpc/rpc.ts'
import type { Me } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { VaultApi } from '#worker/api.ts'
import { GuardNotes } from './guard-notes.tsx'
import { deviceName } from './preferences.ts'
import { firstProtection, Protect, protectionProblem, unlockOf } from './protect.tsx'

type Step = 'welcome' | 'create' | 'words' | 'check' | 'restore'
type Api = Client<VaultApi>
type BeginProps = {
  readonly api: Api
  readonly invited: boolean
  readonly onOpen: (me: Me) => void
  readonly onBack?: (() => void) | undefined
}

/** The first minutes: make a record, open one from its words, or try a made-up one. */
export function Begin({ api, invited, onOpen, onBack }: BeginProps) {
  const { t } = useWords()
  const [step, setStep] = useState<Step>('welcome')
  const [words, setWords] = useState<readonly string[]>([])
  return (
    <Frame step={step !== 'welcome'}>
      {invited && step === 'welcome' && <Banner icon="share">{t('begin.invited')}</Banner>}
      {step === 'welcome' && (
        <Welcome api={api} onOpen={onOpen} onCreate={() => setStep('create')} onRestore={() => setStep('restore')} onBack={onBack} />
      )}
      {step === 'create' && (
        <Create
          api={api}
          onBack={() => setStep('welcome')}
          onWords={w => {
            setWords(w)
            setStep('words')
          }}
        />
      )}
      {step === 'words' && <ShowWords words={words} onDone={() => setStep('check')} />}
      {step === 'check' && <CheckWords api={api} words={words} onBack={() => setStep('words')} onOpen={onOpen} />}
      {step === 'restore' && <Restore api={api} onBack={() => setStep('welcome')} onOpen={onOpen} />}
    </Frame>
  )
}

/** The two halves of every screen before the lock. */
export function Frame({ step, children }: { readonly step: boolean; readonly children: ReactNode }) {
  const { t } = useWords()
  return (
    <div className="kw-begin" data-step={step}>
      <aside className="kw-begin-side">
        <Logo />
        <p className="kw-display">{t('begin.title')}</p>
        <p>{t('begin.lead')}</p>
        <ul>
          {(['begin.point1', 'begin.point2', 'begin.point3'] as const).map((key, i) => (
            <li key={key}>
              <Icon name={(['lock', 'clock', 'eye'] as const)[i]!} />
              {t(key)}
            </li>
          ))}
        </ul>
      </aside>
      <main className="kw-begin-main kw-stack kw-stack-wide">
        <GuardNotes />
        {children}
      </main>
    </div>
  )
}

/** The heading of a step takes the focus, as a page's does. */
export function StepTitle({ number, children }: { readonly number?: number; readonly children: ReactNode }) {
  const { t } = useWords()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus({ preventScroll: true })
    window.scrollTo(0, 0)
  }, [])
  return (
    <div className="kw-stack kw-stack-tight">
      {number && <p className="kw-dim">{t('begin.step', { number, total: 3 })}</p>}
      <h1 ref={heading} tabIndex={-1}>
        {children}
      </h1>
    </div>
  )
}

type WelcomeProps = Pick<BeginProps, 'api' | 'onOpen' | 'onBack'> & { readonly onCreate: () => void; readonly onRestore: () => void }

function Welcome({ api, onOpen, onCreate, onRestore, onBack }: WelcomeProps) {
  const { t } = useWords()
  const sample = useDo(async () => onOpen(await api.sample(null)))
  return (
    <div className="kw-stack">
      <h1>{t('begin.start')}</h1>
      <Button size="lg" fullWidth onClick={onCreate} disabled={sample.busy}>
        {t('begin.create')}
      </Button>
      <p className="kw-dim kw-small kw-under">{t('begin.createNote')}</p>
      <Button size="lg" fullWidth variant="default" onClick={onRestore} disabled={sample.busy}>
        {t('begin.restore')}
      </Button>
      <p className="kw-dim kw-small kw-under">{t('begin.restoreNote')}</p>
      <div className="kw-or" />
      <Button size="lg" fullWidth variant="light" onClick={() => sample.run()} loading={sample.busy}>
        {t('begin.sample')}
      </Button>
      <p className="kw-dim kw-small kw-under" role="status">
        {sample.busy ? t('begin.sampleBusy') : t('begin.sampleNote')}
      </p>
      {sample.error !== null && <Failed error={sample.error} />}
      {onBack && (
        <Button variant="subtle" onClick={onBack}>
          {t('app.back')}
        </Button>
      )}
    </div>
  )
}

function Create({
  api,
  onBack,
  onWords,
}: {
  readonly api: Api
  readonly onBack: () => void
  readonly onWords: (w: readonly string[]) => void
}) {
  const words = useWords()
  const { t } = words
  const [name, setName] = useState('')
  const [protection, setProtection] = useState(firstProtection)
  const [tried, setTried] = useState(false)
  const problem = protectionProblem(words, protection)
  const making = useDo(async () => {
    const unlock = await unlockOf(protection, name.trim())
    onWords((await api.create({ name: name.trim(), device: deviceName(navigator.userAgent), unlock })).words)
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    setTried(true)
    if (name.trim() && !problem) making.run()
  }
  return (
    <form className="kw-stack kw-stack-wide" onSubmit={submit} noValidate>
      <StepTitle number={1}>{t('begin.nameTitle')}</StepTitle>
      <TextInput
        label={t('begin.nameLabel')}
        description={t('begin.nameHint')}
        autoComplete="name"
        maxLength={100}
        value={name}
        error={tried && !name.trim() ? t('begin.nameNeeded') : undefined}
        onChange={e => setName(e.currentTarget.value)}
      />
      <Protect value={protection} onChange={setProtection} problem={tried ? problem : null} />
      {making.error !== null && <Failed error={making.error} />}
      <div className="kw-row kw-row-between">
        <Button variant="subtle" onClick={onBack} disabled={making.busy}>
          {t('app.back')}
        </Button>
        <Button type="submit" loading={making.busy}>
          {t('app.continue')}
        </Button>
      </div>
      <p className="kw-hidden" role="status">
        {making.busy ? t('begin.creating') : ''}
      </p>
    </form>
  )
}

function ShowWords({ words, onDone }: { readonly words: readonly string[]; readonly onDone: () => void }) {
  const { t } = useWords()
  return (
    <div className="kw-stack kw-stack-wide">
      <StepTitle number={2}>{t('begin.wordsTitle')}</StepTitle>
      <p className="kw-lead">{t('begin.wordsLead')}</p>
      <ol className="kw-words" data-testid="words">
        {words.map((word, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a word may occur twice, its place not
          <li key={i}>{word}</li>
        ))}
      </ol>
      <Banner tone="warn">{t('begin.wordsWarn')}</Banner>
      <Button size="lg" onClick={onDone}>
        {t('begin.wordsDone')}
      </Button>
    </div>
  )
}

/** Three places, spread over the list; which ones is the browser's choice each time. */
function somePlaces(count: number): number[] {
  const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint8Array(3))
  const third = count / 3
  return [a, b, c].map((r, i) => Math.floor(i * third + (r / 256) * third))
}

type CheckProps = { readonly api: Api; readonly words: readonly string[]; readonly onBack: () => void; readonly onOpen: (me: Me) => void }

function CheckWords({ api, words, onBack, onOpen }: CheckProps) {
  const { t } = useWords()
  const [places] = useState(() => somePlaces(words.length))
  const [typed, setTyped] = useState<readonly string[]>(['', '', ''])
  const [tried, setTried] = useState(false)
  const opening = useDo(async () => onOpen(await api.confirm(null)))
  const right = (i: number): boolean => typed[i]?.trim().toLowerCase() === words[places[i]!]
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    setTried(true)
    if (places.every((_, i) => right(i))) opening.run()
  }
  return (
    <form className="kw-stack kw-stack-wide" onSubmit={submit}>
      <StepTitle number={3}>{t('begin.checkTitle')}</StepTitle>
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
      {opening.error !== null && <Failed error={opening.error} />}
      <div className="kw-row kw-row-between">
        <Button variant="subtle" onClick={onBack}>
          {t('begin.checkBack')}
        </Button>
        <Button type="submit" loading={opening.busy}>
          {t('begin.checkDone')}
        </Button>
      </div>
    </form>
  )
}

function Restore({ api, onBack, onOpen }: Omit<CheckProps, 'words'>) {
  const words = useWords()
  const { t } = words
  const [text, setText] = useState('')
  const [protection, setProtection] = useState(firstProtection)
  const [tried, setTried] = useState(false)
  const count = text.trim() ? text.trim().split(/\s+/).length : 0
  const problem = protectionProblem(words, protection)
  const restoring = useDo(async () => {
    const unlock = await unlockOf(protection, 'Keepwell')
    onOpen(await api.restore({ words: text, device: deviceName(navigator.userAgent), unlock }))
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    setTried(true)
    if (count === 24 && !problem) restoring.run()
  }
  return (
    <form className="kw-stack kw-stack-wide" onSubmit={submit} noValidate>
      <StepTitle>{t('begin.restoreTitle')}</StepTitle>
      <p className="kw-lead">{t('begin.restoreLead')}</p>
      <Textarea
        label={t('begin.restoreLabel')}
        description={t('begin.restoreCount', { count })}
        rows={4}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        value={text}
        error={tried && count !== 24 ? t('begin.restoreCount', { count }) : undefined}
        onChange={e => setText(e.currentTarget.value)}
      />
      <Protect value={protection} onChange={setProtection} problem={tried ? problem : null} />
      {restoring.error !== null && <Failed error={restoring.error} />}
      <div className="kw-row kw-row-between">
        <Button variant="subtle" onClick={onBack} disabled={restoring.busy}>
          {t('app.back')}
        </Button>
        <Button type="submit" loading={restoring.busy}>
          {t('begin.restoreGo')}
        </Button>
      </div>
    </form>
  )
}
