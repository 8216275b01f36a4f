/** Signs that are not seen, or that turn what stands beside them: control, format, surrogate, private, line and paragraph. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu

/** A name as it is shown: what cannot be seen is written out, so that no name looks like another. */
export function printable(name: string): string {
  return name.replace(UNSEEN, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`)
}
