/** Who wants to be told of what happens at a gateway. */
export type Hub = {
  onEnded(listener: (patientId: string) => void): () => void
  onFiled(listener: (patientId: string, records: readonly string[]) => void): () => void
  watch(patients: () => Iterable<string>): () => void
  ended(patients: Iterable<string>): void
  filed(patient: string, records: readonly string[]): void
  /** Patients whose consents somebody wants watched. */
  watched(): ReadonlySet<string>
}

export function hub(): Hub {
  const endings = new Set<(patientId: string) => void>()
  const filings = new Set<(patientId: string, records: readonly string[]) => void>()
  const watchers = new Set<() => Iterable<string>>()
  const joined =
    <T>(set: Set<T>) =>
    (one: T) => {
      set.add(one)
      return () => void set.delete(one)
    }
  return {
    onEnded: joined(endings),
    onFiled: joined(filings),
    watch: joined(watchers),
    ended(patients) {
      for (const id of new Set(patients)) for (const listener of endings) listener(id)
    },
    filed(patient, records) {
      if (records.length) for (const listener of filings) listener(patient, records)
    },
    watched: () => new Set([...watchers].flatMap(w => [...w()])),
  }
}
