import { lazy, Suspense } from 'react'
import { Waiting } from '#parts/state.tsx'
import { Add } from './add.tsx'
import { kindOf } from './type-in-fields.ts'

const TypeIn = lazy(async () => ({ default: (await import('./type-in.tsx')).TypeIn }))
const TypeOver = lazy(async () => ({ default: (await import('./type-in.tsx')).TypeOver }))
const Photos = lazy(async () => ({ default: (await import('./photos.tsx')).Photos }))
const Hospitals = lazy(async () => ({ default: (await import('./hospitals.tsx')).Hospitals }))
const HealthCard = lazy(async () => ({ default: (await import('./health-card.tsx')).HealthCard }))
const Imports = lazy(async () => ({ default: (await import('./imports.tsx')).Imports }))
const OneImport = lazy(async () => ({ default: (await import('./imports.tsx')).OneImport }))

/** All that adds to a record: files, forms, photos, hospitals, and what was added before. */
export function Adding({ what, id }: { readonly what: string; readonly id: string }) {
  const kind = kindOf(what)
  return (
    <Suspense fallback={<Waiting />}>
      {kind ? (
        <TypeIn key={kind} kind={kind} />
      ) : what === 'over' ? (
        <TypeOver key={id} id={id} />
      ) : what === 'photos' ? (
        <Photos />
      ) : what === 'hospital' ? (
        <Hospitals />
      ) : what === 'card' ? (
        <HealthCard />
      ) : what === 'history' ? (
        id ? (
          <OneImport key={id} id={id} />
        ) : (
          <Imports />
        )
      ) : (
        <Add />
      )}
    </Suspense>
  )
}
