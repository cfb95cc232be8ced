/** Digits to be compared on two screens, in groups that an eye can hold; read out one by one. */
export const Digits = ({ text, label }: { readonly text: string; readonly label: string }) => (
  <p className="kw-digits" role="img" aria-label={`${label}: ${[...text.replaceAll(' ', '')].join(' ')}`} data-testid="digits">
    {text.split(' ').map((group, i) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: a group may occur twice, its place not
      <span key={i}>{group}</span>
    ))}
  </p>
)
