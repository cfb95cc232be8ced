import { useEffect, useState } from 'react'
import type { Words } from '#words/words.ts'

/** A session ends after so many minutes without a sign of the reader. */
export const IDLE_MINUTES = 10

const now = (): number => Math.floor(Date.now() / 1000)

/** The time by this device's clock, again every so many seconds. */
export function useNow(every: number): number {
  const [time, setTime] = useState(now)
  useEffect(() => {
    const timer = setInterval(() => setTime(now()), every * 1000)
    return () => clearInterval(timer)
  }, [every])
  return time
}

const MINUTE = 60
const HOUR = 3600
const DAY = 86_400

/** What is left, as exact as it matters: days, then hours, then minutes. */
export function leftText(words: Words, seconds: number): string {
  if (seconds >= 2 * DAY) return words.span(Math.floor(seconds / DAY), 'day')
  if (seconds >= 2 * HOUR) return words.span(Math.floor(seconds / HOUR), 'hour')
  return words.span(Math.max(1, Math.floor(seconds / MINUTE)), 'minute')
}

/** `4:07`, `1:04:07`. */
export function clockText(seconds: number): string {
  const whole = Math.max(0, seconds)
  const two = (n: number): string => String(n).padStart(2, '0')
  const minutes = Math.floor(whole / MINUTE) % 60
  const hours = Math.floor(whole / HOUR)
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}
