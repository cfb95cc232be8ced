/** First second of epoch 0: Monday 2024-01-01 00:00:00 UTC (protocol §2). */
export const EPOCH_ZERO = 1_704_067_200
/** One length for all vaults: a week, in seconds. */
export const EPOCH_SECONDS = 604_800
/** Epoch tree depth 16: the last epoch there is. */
export const LAST_EPOCH = 65_535

/** The filing epoch that contains a Unix time in seconds; never negative. */
export const epochOf = (unixSeconds: number): number =>
  Math.min(LAST_EPOCH, Math.max(0, Math.floor((unixSeconds - EPOCH_ZERO) / EPOCH_SECONDS)))

/** First second of an epoch. */
export const epochStart = (epoch: number): number => EPOCH_ZERO + epoch * EPOCH_SECONDS

/** First second after an epoch. */
export const epochEnd = (epoch: number): number => epochStart(epoch + 1)

/** Unix seconds as ISO 8601 UTC without fractions. */
export const isoTime = (unixSeconds: number): string => new Date(unixSeconds * 1000).toISOString().replace('.000Z', 'Z')
