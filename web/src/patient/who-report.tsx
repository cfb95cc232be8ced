import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Failed } from '#parts/state.tsx'
import { useWords } from '#words/context.tsx'

/** Offers to bring a proof to the ledger; nothing where there is none. */
export function ReportProof({ proof }: { readonly proof: Uint8Array | null }) {
  const { t } = useWords()
  const { api } = useVault()
  const [reported, setReported] = useState(false)
  const reporting = useDo(async (bytes: Uint8Array) => {
    await api.reportTrail(bytes)
    setReported(true)
  })
  if (!proof) return null
  if (reported) return <p role="status">{t('who.reported')}</p>
  return (
    <>
      <p>{t('who.provable')}</p>
      <Button variant="default" onClick={() => reporting.run(proof)} loading={reporting.busy}>
        {t('who.report')}
      </Button>
      {reporting.error !== null && <Failed error={reporting.error} />}
    </>
  )
}
