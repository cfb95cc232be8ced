/** The mark: a well seen from above, open at the top, that keeps one drop. */
export const Mark = ({ size = 34 }: { readonly size?: number }) => (
  <svg width={size} height={size} viewBox="0 0 40 40" fill="none" aria-hidden="true">
    <path d="M13.2 6.100a16 16 0 1 0 13.600 0" stroke="currentColor" strokeWidth="4.400" strokeLinecap="round" />
    <path d="M20 3.500c4.200 5.300 7 9 7 13a7 7 0 0 1-14 0c0-4 2.800-7.700 7-13Z" fill="#d9762b" />
    <path d="M12.500 27.500c4.600 3.300 10.400 3.300 15 0" stroke="currentColor" strokeWidth="3" strokeLinecap="round" />
  </svg>
)

export const Logo = ({ size = 34 }: { readonly size?: number }) => (
  <span className="kw-logo">
    <Mark size={size} />
    <span className="kw-display">Keepwell</span>
  </span>
)
