/** Notices of the browser: turned on here alone, and never saying anything of the record. */
const KEY = 'keepwell-notify'

export const canNotify = (): boolean => typeof Notification !== 'undefined'
export const notifyOn = (): boolean => canNotify() && localStorage.getItem(KEY) === 'on' && Notification.permission === 'granted'

/** Turns notices on, which asks the person, or off. Gives what holds now. */
export async function setNotify(on: boolean): Promise<boolean> {
  if (on && canNotify() && Notification.permission === 'default') await Notification.requestPermission()
  localStorage.setItem(KEY, on && canNotify() && Notification.permission === 'granted' ? 'on' : 'off')
  return notifyOn()
}

/** Shows a notice that leads here when it is pressed. */
export function notify(title: string, text: string, href: string): void {
  if (!notifyOn()) return
  const notice = new Notification(title, { body: text, tag: href })
  notice.onclick = () => {
    window.focus()
    location.hash = href
    notice.close()
  }
}

type Badging = { setAppBadge?(count: number): Promise<void>; clearAppBadge?(): Promise<void> }

/** The count on the app's icon, where the system shows one. */
export function badge(count: number): void {
  const place = navigator as Badging
  void (count ? place.setAppBadge?.(count) : place.clearAppBadge?.())?.catch(() => {})
}
