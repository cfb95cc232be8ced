import { type ReactNode, useMemo } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { CardCode } from '#parts/card-code.tsx'
import { Waiting } from '#parts/state.tsx'
import { useWords } from '#words/context.tsx'
import { Card } from './card-view.tsx'

type StoredProps = { readonly bytes: Uint8Array; readonly fallback: ReactNode }

/** A card in a record: checked anew, and its codes, to be scanned by whoever wants to check it too. */
export function StoredCard({ bytes, fallback }: StoredProps) {
  const { t } = useWords()
  const { api } = useVault()
  const text = useMemo(() => new TextDecoder().decode(bytes), [bytes])
  const { value, error } = useAsk(() => api.readCard([text]), [text])
  if (error || value?.kind === 'part') return fallback
  if (!value) return <Waiting text={t('card.checking')} />
  return value.cards.map(card => (
    <div key={card.codes[0]} className="kw-stack">
      <Card card={card} />
      {card.codes.map((code, i) => (
        <CardCode
          key={code}
          text={code}
          label={card.codes.length === 1 ? t('card.code') : t('card.codeOf', { index: i + 1, count: card.codes.length })}
        />
      ))}
      <p className="kw-dim">{t('card.codeNote')}</p>
    </div>
  ))
}
