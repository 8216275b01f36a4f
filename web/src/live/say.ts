import type { InjectionKey } from 'vue'

/** Where components of both faces tell in a few words what was done. */
export const sayKey: InjectionKey<(words: string) => void> = Symbol('say')
