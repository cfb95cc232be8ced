import { Banner, Panel } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import type { RecordView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { issueText } from '#words/issue.ts'
import { kindName, titleText } from './labels.ts'

/** That this version was replaced: by whom, and the way to the one that counts now. */
export function Newer({ view, shared }: { readonly view: RecordView; readonly shared: boolean }) {
  const words = useWords()
  const { t } = words
  const { newer } = view
  if (!newer) return null
  const { id, author: name, at } = newer
  return (
    <Banner tone="warn" title={at === null ? t('record.newerBy', { name }) : t('record.newer', { name, date: words.day(at) })}>
      {shared ? t(id === null ? 'record.newerLater' : 'record.newerListed') : <a href={`#/record/${id}`}>{t('record.newerSee')}</a>}
    </Banner>
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
