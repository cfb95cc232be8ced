import { Button, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Banner, Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import type { AskedView } from '#rpc/emergency.ts'
import { useWords } from '#words/context.tsx'
import { lengthText } from '#words/length.ts'
import { Credentials } from './credentials.tsx'
import type { Scanned } from './emergency.tsx'
import { Camera } from './emergency-camera.tsx'

type AskProps = { readonly card: Scanned; readonly onAsked: (asked: AskedView) => void }

/** The request, with who vouches for the one who asks; or the word of a second person for another's. */
export function AskPanel({ card, onAsked }: AskProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [reason, setReason] = useState('')
  const [word, setWord] = useState('')
  const before = useAsk(() => api.askedEmergencies(card.text), [card.text])
  const asking = useDo(async () => onAsked(await api.askEmergency({ card: card.text, reason, word })))
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    asking.run()
  }
  const { persons, delay } = card.read
  return (
    <div className="kw-stack kw-stack-wide">
      {before.value?.map(one => (
        <Banner key={one.tag} icon="clock" title={t('aid.before')}>
          <Button size="sm" variant="default" onClick={() => onAsked(one)}>
            {t('aid.goOn')}
          </Button>
        </Banner>
      ))}
      <Panel title={t('aid.ask')} icon="heart">
        <form className="kw-stack" onSubmit={submit}>
          <Banner icon="eye">{t('aid.askNote')}</Banner>
          {persons === 2 && <Banner tone="warn">{t('aid.two')}</Banner>}
          {delay > 0 && <Banner tone="warn">{t('aid.delay', { time: lengthText(words, delay) })}</Banner>}
          <Textarea
            label={t('aid.reason')}
            description={t('aid.reasonHint')}
            rows={2}
            maxLength={500}
            value={reason}
            onChange={e => setReason(e.currentTarget.value)}
          />
          {(persons === 2 || delay > 0) && (
            <TextInput label={t('aid.word')} autoComplete="off" value={word} onChange={e => setWord(e.currentTarget.value)} />
          )}
          <Credentials />
          {asking.error !== null && <Failed error={asking.error} />}
          <div>
            <Button type="submit" size="lg" color="red" loading={asking.busy} disabled={!reason.trim()}>
              {t('aid.go')}
            </Button>
          </div>
        </form>
      </Panel>
      {persons === 2 && <Second card={card.text} />}
    </div>
  )
}

const CODE = /^[0-9a-f]{64}$/

/** The second professional's side, with the card in their own hand. */
function Second({ card }: { readonly card: string }) {
  const { t } = useWords()
  const { api } = useVault()
  const [code, setCode] = useState('')
  const [done, setDone] = useState(false)
  const tag = code.replace(/\s+/g, '').toLowerCase()
  const approving = useDo(async () => {
    await api.approveEmergency({ card, tag })
    setDone(true)
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    approving.run()
  }
  return (
    <Panel title={t('aid.second')} icon="person">
      {done ? (
        <Banner tone="good" urgent>
          {t('aid.approved')}
        </Banner>
      ) : (
        <form className="kw-stack" onSubmit={submit}>
          <p className="kw-dim">{t('aid.secondNote')}</p>
          <div>
            <Camera accept={text => CODE.test(text)} onText={setCode} />
          </div>
          <Textarea
            label={t('aid.code')}
            rows={2}
            classNames={{ input: 'kw-mono' }}
            autoComplete="off"
            spellCheck={false}
            value={code}
            onChange={e => setCode(e.currentTarget.value)}
          />
          {approving.error !== null && <Failed error={approving.error} />}
          <div>
            <Button type="submit" loading={approving.busy} disabled={!CODE.test(tag)}>
              {t('aid.approve')}
            </Button>
          </div>
        </form>
      )}
    </Panel>
  )
}
