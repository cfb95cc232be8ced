import { Banner, Panel } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import type { RecordView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { issueText } from '#words/issue.ts'
import { kindName, titleText } from './labels.ts'

type VersionsProps = { readonly view: RecordView; readonly hrefOf?: (id: string) => string }

/** That this version was replaced, or is amended by somebody whose word does not replace it; and what it replaces or amends itself. */
export function Versions({ view: { newer, beside, prior }, hrefOf }: VersionsProps) {
  const words = useWords()
  const { t } = words
  const link = (id: string, text: string) => hrefOf && <a href={hrefOf(id)}>{text}</a>
  return (
    <>
      {newer && (
        <Banner
          tone="warn"
          title={
            newer.at === null
              ? t('record.newerBy', { name: newer.author })
              : t('record.newer', { name: newer.author, date: words.day(newer.at) })
          }
        >
          {newer.id === null ? t('record.newerLater') : (link(newer.id, t('record.newerSee')) ?? t('record.newerListed'))}
        </Banner>
      )}
      {beside.map(({ id, author: name, at }) => (
        <Banner
          key={id}
          tone="warn"
          title={at === null ? t('record.besideBy', { name }) : t('record.beside', { name, date: words.day(at) })}
        >
          {t('record.besideNote')} {link(id, t('record.besideSee'))}
        </Banner>
      ))}
      {prior && (
        <Banner icon="paper">
          {prior.author === null ? t('record.replaces') : t(prior.replaced ? 'record.replacesOf' : 'record.amends', { name: prior.author })}{' '}
          {link(prior.id, t(prior.replaced ? 'record.replacesSee' : 'record.amendsSee'))}
        </Banner>
      )}
    </>
  )
}

/** Where the content of a record lies that an organisation kept in its own archive, and what that means for its owner. */
export function HeldByAuthor({ view }: { readonly view: RecordView }) {
  const { t } = useWords()
  const { heldByAuthor, author } = view.row
  return heldByAuthor ? <p className="kw-dim kw-small">{t('record.heldByAuthor', { name: author ?? t('record.heldBySomebody') })}</p> : null
}

/** What is irregular about a record, each in plain words and with its place; the record is shown as it came. */
export function Irregular({ view }: { readonly view: RecordView }) {
  const { t, n, locale } = useWords()
  if (!view.row.issues) return null
  return (
    <Banner tone="warn" title={n('record.issues', view.row.issues)}>
      {view.irregular.length > 0 && (
        <details>
          <summary>{t('issue.show')}</summary>
          <ul className="kw-bullets kw-small">
            {view.irregular.map(issue => (
              <li key={`${issue.path} ${issue.text}`}>
                {issueText(locale, issue.text)} <span className="kw-mono kw-dim">{issue.path}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </Banner>
  )
}

/** Records that belong to this one: the paper it stands on, or what stands on this paper. */
export function Belonging({ view }: { readonly view: RecordView }) {
  const words = useWords()
  if (!view.links.length) return null
  return (
    <Panel title={words.t('record.belongs')} icon="paper">
      <ul>
        {view.links.map(link => (
          <li key={link.id}>
            <RecordLine href={`#/record/${link.id}`} type={link.type} title={titleText(link.title)} sub={kindName(words, link.type)} />
          </li>
        ))}
      </ul>
    </Panel>
  )
}
