import { useEffect } from 'react'

const inDialog = (e: HTMLElement): boolean => e.closest('[role=dialog]') !== null

/**
 * Somebody at a keyboard is never left at the top of nothing: when what had the focus goes away, the screen's heading takes it, or after a
 * dialog what opened it; when it was only out of use while something went on, it gets it back.
 */
export function useKeptFocus(): void {
  useEffect(() => {
    let last: HTMLElement | null = null
    let opener: HTMLElement | null = null
    const end = new AbortController()
    const { signal } = end
    const entered = ({ target }: FocusEvent): void => {
      const now = target as HTMLElement
      if (!inDialog(now)) opener = now
      last = now
    }
    window.addEventListener('focusin', entered, { signal })
    // Whoever points somewhere else has left it on purpose.
    window.addEventListener('pointerdown', () => (last = null), { signal, capture: true })
    const observer = new MutationObserver(changes => {
      if (!last || document.activeElement !== document.body) return
      const heading = document.querySelector<HTMLElement>('main h1')
      if (!last.isConnected) (inDialog(last) && opener?.isConnected ? opener : heading)?.focus({ preventScroll: true })
      else if (changes.some(c => c.target === last) && !last.matches(':disabled')) last.focus({ preventScroll: true })
    })
    observer.observe(document.body, { childList: true, subtree: true, attributeFilter: ['disabled'] })
    return () => {
      end.abort()
      observer.disconnect()
    }
  }, [])
}
