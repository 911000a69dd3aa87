/**
 * The power spectrum of a block of samples.
 *
 * @module
 */

/**
 * Computes power spectra of blocks of one length, without allocating.
 *
 * The block is taken for half as many complex numbers, which a radix-2 FFT
 * transforms (J. W. Cooley and J. W. Tukey, An Algorithm for the Machine
 * Calculation of Complex Fourier Series, 1965); the spectrum of the real block
 * is put together from that.
 */
export class PowerSpectrum {
  readonly #half: number;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  readonly #reversed: Uint32Array;

  /** @param length Samples in a block, a power of 2 from 8 to 65536. */
  constructor(length: number) {
    const half = this.#half = length / 2;
    this.#re = new Float64Array(half);
    this.#im = new Float64Array(half);
    this.#cos = new Float64Array(half);
    this.#sin = new Float64Array(half);
    this.#reversed = new Uint32Array(half);
    for (let i = 0; i < half; i++) {
      this.#cos[i] = Math.cos(2 * Math.PI * i / length);
      this.#sin[i] = Math.sin(2 * Math.PI * i / length);
    }
    const bits = Math.log2(half);
    for (let i = 0; i < half; i++) {
      let reversed = 0;
      for (let bit = 0; bit < bits; bit++) {
        reversed |= (i >> bit & 1) << (bits - 1 - bit);
      }
      this.#reversed[i] = reversed;
    }
  }

  /**
   * Transforms one block.
   *
   * @param block The samples.
   * @param power Receives |X|² of the bins 0 … length / 2, without scaling.
   */
  compute(block: Float64Array, power: Float64Array): void {
    const half = this.#half;
    const re = this.#re;
    const im = this.#im;
    const reversed = this.#reversed;
    for (let i = 0; i < half; i++) {
      const at = reversed[i]!;
      re[at] = block[2 * i]!;
      im[at] = block[2 * i + 1]!;
    }
    this.#transform();
    const cos = this.#cos;
    const sin = this.#sin;
    power[0] = (re[0]! + im[0]!) ** 2;
    power[half] = (re[0]! - im[0]!) ** 2;
    for (let k = 1, m = half - 1; k <= m; k++, m--) {
      const evenRe = (re[k]! + re[m]!) / 2;
      const evenIm = (im[k]! - im[m]!) / 2;
      const oddRe = (im[k]! + im[m]!) / 2;
      const oddIm = (re[m]! - re[k]!) / 2;
      const turnedRe = oddRe * cos[k]! + oddIm * sin[k]!;
      const turnedIm = oddIm * cos[k]! - oddRe * sin[k]!;
      power[k] = (evenRe + turnedRe) ** 2 + (evenIm + turnedIm) ** 2;
      power[m] = (evenRe - turnedRe) ** 2 + (evenIm - turnedIm) ** 2;
    }
  }

  #transform(): void {
    const half = this.#half;
    const re = this.#re;
    const im = this.#im;
    const cos = this.#cos;
    const sin = this.#sin;
    for (let size = 2; size <= half; size *= 2) {
      const reach = size / 2;
      // The twiddles are those of the real block's length, 2 × half.
      const stride = 2 * half / size;
      for (let j = 0, turn = 0; j < reach; j++, turn += stride) {
        const c = cos[turn]!;
        const s = sin[turn]!;
        for (let a = j; a < half; a += size) {
          const b = a + reach;
          const bRe = re[b]! * c + im[b]! * s;
          const bIm = im[b]! * c - re[b]! * s;
          re[b] = re[a]! - bRe;
          im[b] = im[a]! - bIm;
          re[a]! += bRe;
          im[a]! += bIm;
        }
      }
    }
  }
}
