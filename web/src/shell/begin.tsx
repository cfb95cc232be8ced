import { Button, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, lazy, Suspense, useEffect, useState } from 'react'
import { useDo } from '#client/use-do.ts'
import { Banner } from '#parts/page.tsx'
import { WordList, WordsCheck } from '#parts/recovery-words.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { firstProtection, Protect, protectionProblem, unlockOf } from '#patient/protect.tsx'
import type { Client } from '#rpc/rpc.ts'
import type { Me } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { VaultApi } from '#worker/api.ts'
import { Frame, StepTitle } from './frame.tsx'
import { JoinDevice } from './join-device.tsx'
import { deviceName } from './preferences.ts'
import { WithTexts } from './with-texts.tsx'

const Lost = lazy(async () => ({ default: (await import('./lost.tsx')).Lost }))

type Step = 'welcome' | 'create' | 'words' | 'check' | 'restore' | 'device' | 'lost'
type Api = Client<VaultApi>
type BeginProps = {
  readonly api: Api
  readonly invited: boolean
  /** Begins a record for somebody in one’s care, from an open one. */
  readonly care?: boolean
  readonly onOpen: (me: Me) => void
  readonly onBack?: (() => void) | undefined
}

/** The first minutes: make a record, open one from its words, or try a made-up one. */
export function Begin({ api, invited, care = false, onOpen, onBack }: BeginProps) {
  const { t } = useWords()
  const [step, setStep] = useState<Step>(care ? 'create' : 'welcome')
  const [words, setWords] = useState<readonly string[]>([])
  return (
    <Frame step={step !== 'welcome'}>
      {invited && step === 'welcome' && <Banner icon="share">{t('begin.invited')}</Banner>}
      {step === 'welcome' && <Welcome api={api} onOpen={onOpen} onGo={setStep} onBack={onBack} />}
      {step === 'create' && (
        <Create
          api={api}
          care={care}
          onBack={care && onBack ? onBack : () => setStep('welcome')}
          onWords={w => {
            setWords(w)
            setStep('words')
          }}
        />
      )}
      {step === 'words' && <ShowWords words={words} onDone={() => setStep('check')} />}
      {step === 'check' && <CheckWords api={api} words={words} onBack={() => setStep('words')} onOpen={onOpen} />}
      {step === 'device' && <JoinDevice api={api} onBack={() => setStep('welcome')} onOpen={onOpen} />}
      {step === 'lost' && (
        <WithTexts>
          <Suspense fallback={<Waiting />}>
            <Lost api={api} onBack={() => setStep('welcome')} onOpen={onOpen} />
          </Suspense>
        </WithTexts>
      )}
      {step === 'restore' && <Restore api={api} onBack={() => setStep('welcome')} onOpen={onOpen} />}
    </Frame>
  )
}

type WelcomeProps = Pick<BeginProps, 'api' | 'onOpen' | 'onBack'> & { readonly onGo: (step: Step) => void }

function Welcome({ api, onOpen, onGo, onBack }: WelcomeProps) {
  const { t } = useWords()
  const sample = useDo(async () => onOpen(await api.sample(null)))
  const [pleading, setPleading] = useState(false)
  useEffect(() => {
    api.pleas(null).then(
      all => setPleading(all.length > 0),
      () => {},
    )
  }, [api])
  return (
    <div className="kw-stack">
      <h1>{t('begin.start')}</h1>
      {pleading && (
        <Banner icon="clock" title={t('begin.pleading')}>
          <Button mt="sm" onClick={() => onGo('lost')}>
            {t('begin.pleadingGo')}
          </Button>
        </Banner>
      )}
      <Button size="lg" fullWidth onClick={() => onGo('create')} disabled={sample.busy}>
        {t('begin.create')}
      </Button>
      <p className="kw-dim kw-small kw-under">{t('begin.createNote')}</p>
      <Button size="lg" fullWidth variant="default" onClick={() => onGo('device')} disabled={sample.busy}>
        {t('joining.begin')}
      </Button>
      <p className="kw-dim kw-small kw-under">{t('joining.beginNote')}</p>
      <Button size="lg" fullWidth variant="default" onClick={() => onGo('restore')} disabled={sample.busy}>
        {t('begin.restore')}
      </Button>
      <p className="kw-dim kw-small kw-under">{t('begin.restoreNote')}</p>
      <p className="kw-dim kw-small kw-under">{t('begin.passkeyAlone')}</p>
      {!pleading && (
        <Button variant="subtle" fullWidth onClick={() => onGo('lost')} disabled={sample.busy}>
          {t('begin.lost')}
        </Button>
      )}
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
  care,
  onBack,
  onWords,
}: {
  readonly api: Api
  readonly care: boolean
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
      <StepTitle number={1}>{t(care ? 'care.nameTitle' : 'begin.nameTitle')}</StepTitle>
      {care && <p className="kw-lead">{t('care.lead')}</p>}
      <TextInput
        label={t(care ? 'care.nameLabel' : 'begin.nameLabel')}
        description={t(care ? 'care.nameHint' : 'begin.nameHint')}
        autoComplete={care ? 'off' : 'name'}
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
      <WordList words={words} onDone={onDone} />
    </div>
  )
}

type CheckProps = { readonly api: Api; readonly words: readonly string[]; readonly onBack: () => void; readonly onOpen: (me: Me) => void }

function CheckWords({ api, words, onBack, onOpen }: CheckProps) {
  const { t } = useWords()
  const opening = useDo(async () => onOpen(await api.confirm(null)))
  return (
    <WordsCheck
      words={words}
      title={<StepTitle number={3}>{t('begin.checkTitle')}</StepTitle>}
      go={t('begin.checkDone')}
      busy={opening.busy}
      failed={opening.error !== null && <Failed error={opening.error} />}
      onBack={onBack}
      onRight={() => opening.run()}
    />
  )
}

function Restore({ api, onBack, onOpen }: Omit<CheckProps, 'words'>) {
  const words = useWords()
  const { t, n } = words
  const [text, setText] = useState('')
  const [protection, setProtection] = useState(firstProtection)
  const [tried, setTried] = useState(false)
  const [file, setFile] = useState<File | null>(null)
  const [filed, setFiled] = useState(0)
  const count = text.trim() ? text.trim().split(/\s+/).length : 0
  const problem = protectionProblem(words, protection)
  const restoring = useDo(async () => {
    const given = { words: text, device: deviceName(navigator.userAgent), unlock: await unlockOf(protection, 'Keepwell') }
    onOpen(await (file ? api.restoreFile({ ...given, file }, { progress: n => setFiled(Number(n)) }) : api.restore(given)))
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
      <div className="kw-stack kw-stack-tight">
        <label className="kw-label" htmlFor="backup">
          {t('begin.backupLabel')}
        </label>
        <p className="kw-dim kw-small" id="backup-hint">
          {t('begin.backupHint')}
        </p>
        <input
          id="backup"
          type="file"
          className="kw-file"
          aria-describedby="backup-hint"
          onChange={e => setFile(e.currentTarget.files?.[0] ?? null)}
        />
      </div>
      <Protect value={protection} onChange={setProtection} problem={tried ? problem : null} />
      <p className="kw-dim" role="status">
        {restoring.busy && (filed ? n('begin.backupBusy', filed) : t('begin.restoring'))}
      </p>
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
