import { Button, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useDo } from '#client/use-do.ts'
import { Logo } from '#parts/logo.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import { Card, Lines } from '#record/card-view.tsx'
import { PatientSummary } from '#record/patient-summary.tsx'
import { saveBlob } from '#record/save.ts'
import type { LinkAsks, LinkContent } from '#rpc/links.ts'
import type { Client } from '#rpc/rpc.ts'
import { useWords } from '#words/context.tsx'
import type { VaultApi } from '#worker/api.ts'

type ReadLinkProps = {
  readonly api: Client<VaultApi>
  readonly link: string
  /** Whether an own record is open, to take it into. */
  readonly own: boolean
  readonly onClose: () => void
}

/** What a health link shows, to anybody who has it: no account, nothing kept. The key never leaves this browser. */
export function ReadLink({ api, link, own, onClose }: ReadLinkProps) {
  const { t } = useWords()
  const [content, setContent] = useState<LinkContent | null>(null)
  return (
    <main className="kw-main kw-alone">
      <Logo />
      <Page title={content?.label || t('link.title')} tab={t('link.tab')}>
        {content ? <Shown api={api} content={content} own={own} /> : <Ask api={api} link={link} onContent={setContent} />}
        <div>
          <Button variant="default" onClick={onClose}>
            {t('link.close')}
          </Button>
        </div>
      </Page>
    </main>
  )
}

const SAID = { GRANT_ENDED: 'link.gone', OPEN_FAILED: 'link.altered', BAD_INPUT: 'link.bad' } as const
const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? '')

type AskProps = { readonly api: Client<VaultApi>; readonly link: string; readonly onContent: (c: LinkContent) => void }

function Ask({ api, link, onContent }: AskProps) {
  const { t, n } = useWords()
  const [recipient, setRecipient] = useState('')
  const [passcode, setPasscode] = useState('')
  const [asks, setAsks] = useState<LinkAsks | null>(null)
  const opening = useDo(async () => {
    const answer = await api.readLink({ link, recipient: recipient.trim(), passcode })
    if ('asks' in answer) setAsks(answer)
    else onContent(answer)
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    opening.run()
  }
  const said = SAID[codeOf(opening.error) as keyof typeof SAID]
  return (
    <Panel>
      <form className="kw-stack kw-form" onSubmit={submit}>
        <p className="kw-lead">{t('link.lead')}</p>
        <TextInput
          label={t('link.who')}
          description={t('link.whoNote')}
          maxLength={80}
          autoComplete="name"
          value={recipient}
          onChange={e => setRecipient(e.currentTarget.value)}
        />
        {asks && (
          <>
            <Banner tone={asks.wrong ? 'warn' : 'plain'} icon="lock" urgent>
              {asks.wrong ? `${t('link.wrong')} ` : `${t('link.asks')} `}
              {asks.remaining !== null && n('link.remaining', asks.remaining)}
            </Banner>
            <TextInput label={t('link.passcode')} autoComplete="off" value={passcode} onChange={e => setPasscode(e.currentTarget.value)} />
          </>
        )}
        {said ? (
          <Banner tone="warn" icon="alert" urgent>
            {t(said)}
          </Banner>
        ) : (
          opening.error !== null && <Failed error={opening.error} />
        )}
        <div>
          <Button type="submit" loading={opening.busy} disabled={!recipient.trim() || (asks !== null && !passcode)}>
            {t('link.go')}
          </Button>
        </div>
      </form>
    </Panel>
  )
}

function Shown({ api, content, own }: { readonly api: Client<VaultApi>; readonly content: LinkContent; readonly own: boolean }) {
  const { t, n } = useWords()
  const [taken, setTaken] = useState<{ readonly taken: number } | null>(null)
  const taking = useDo(async () => setTaken(await api.takeLink(null)))
  const keep = (): void => {
    for (const [i, f] of content.files.entries()) saveBlob(new Blob([f.bytes as BlobPart], { type: f.type }), `link-${i + 1}.json`)
  }
  return (
    <>
      <p className="kw-dim">{t('link.chosen')}</p>
      {content.summaries.map(s => (
        <PatientSummary key={`${s.name}${s.date}`} summary={s} />
      ))}
      {content.cards.length > 0 && (
        <Panel title={t('link.cards')}>
          {content.cards.map(card => (
            <Card key={`${card.issuer}${card.problem}${card.lines[0]?.what}`} card={card} />
          ))}
        </Panel>
      )}
      {content.records.length > 0 && (
        <Panel title={t('link.records')}>
          <Lines lines={content.records} />
        </Panel>
      )}
      {taken && (
        <Banner icon="check" urgent>
          {taken.taken ? n('link.taken', taken.taken) : t('link.already')}
        </Banner>
      )}
      {taking.error !== null && <Failed error={taking.error} />}
      <div className="kw-row">
        {taken ? null : own ? (
          <Button onClick={() => taking.run()} loading={taking.busy}>
            {t('link.take')}
          </Button>
        ) : (
          <p className="kw-dim">{t('link.takeLater')}</p>
        )}
        <Button variant="default" onClick={keep}>
          {t('link.save')}
        </Button>
      </div>
    </>
  )
}
