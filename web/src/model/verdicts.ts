/** The verdicts of a plan, from harmless to impossible. */
const ORDER = ['Neutral', 'Additive', 'ContractOnly', 'Synced', 'Mapped', 'Blocking']

/** What the model needs of a change. */
interface Judged {
  readonly doctype: string
  readonly field?: string | null
  readonly verdict: string
}

/** The worst verdict of each field that `isHere` knows the DocType of. A verdict that this page does not know is the worst. */
export function worstByField(changes: readonly Judged[], isHere: (doctype: string) => boolean): Map<string, string> {
  const rank = (verdict: string | undefined) => {
    if (verdict === undefined) return -1
    const at = ORDER.indexOf(verdict)
    return at < 0 ? ORDER.length : at
  }
  const worst = new Map<string, string>()
  for (const { doctype, field, verdict } of changes) {
    if (field && isHere(doctype) && rank(verdict) > rank(worst.get(field))) worst.set(field, verdict)
  }
  return worst
}

/** What the model needs of a change to say what the usual way does. */
interface Usual {
  readonly usual: string
  readonly blocked_seconds?: number | null
  readonly rows?: number | null
}

/** What `bench migrate` would do, and how long writes wait for it where the rows of a live site are known. */
export function usualWords({ usual, blocked_seconds: seconds, rows }: Usual): string {
  if (seconds === null || seconds === undefined || seconds === 0) return usual
  const of = rows === null || rows === undefined ? '' : ` for ${rows.toLocaleString('en')} rows`
  return `${usual}${usual === '' ? '' : ' '}Writes wait for about ${seconds} s${of}.`
}
