import { useEffect } from 'react'
import { useVault } from '#client/context.tsx'
import { badge, notify } from '#client/notify.ts'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import type { NewsKind } from '#rpc/attention.ts'
import { useWords } from '#words/context.tsx'

const HREF: Readonly<Partial<Record<NewsKind, string>>> = {
  opened: '#/who',
  request: '#/share',
  ending: '#/share',
  held: '#/attention',
  emergency: '#/emergency',
  asked: '#/rights',
  answered: '#/rights',
  guarding: '#/guarding',
}

/** How much is unread; tells the browser too, where the person wants that. */
export function useNews(): number {
  const { t } = useWords()
  const { api, on } = useVault()
  const { value } = useAsk(() => api.news(null), [], ['news'])
  const unread = value?.unread ?? 0
  useEffect(() => badge(unread), [unread])
  useEffect(() => () => badge(0), [])
  useEffect(
    () =>
      on('news', told => {
        const { kinds } = told as { readonly kinds: readonly NewsKind[] }
        for (const kind of kinds) notify('Keepwell', t(`notify.${kind}`), HREF[kind] ?? '#/news')
      }),
    [on, t],
  )
  return unread
}

/** The bell of the narrow screen, with its count. */
export function Bell({ unread }: { readonly unread: number }) {
  const { t, n } = useWords()
  return (
    <a className="kw-icon-link kw-bell" href="#/news" aria-label={unread ? n('news.bell', unread) : t('news.title')}>
      <Icon name="bell" />
      <Count unread={unread} />
    </a>
  )
}

export const Count = ({ unread }: { readonly unread: number }) =>
  unread > 0 && (
    <span className="kw-count" aria-hidden="true">
      {unread > 99 ? '99+' : unread}
    </span>
  )
