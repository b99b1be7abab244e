/**
 * The part of the WebAssembly API that the kernels use. Every platform has it, but the folder `shared` is compiled
 * without the types of a platform, so they are declared here.
 */
declare namespace WebAssembly {
  interface Memory {
    readonly buffer: ArrayBufferLike;
    grow(pages: number): number;
  }
  var Memory: {
    prototype: Memory;
    new (descriptor: { initial: number; maximum?: number; shared?: boolean }): Memory;
  };

  // biome-ignore lint/suspicious/noEmptyInterface: a module is opaque
  interface Module {}
  var Module: {
    prototype: Module;
    new (bytes: Uint8Array): Module;
  };

  interface Instance {
    readonly exports: Record<string, unknown>;
  }
  var Instance: {
    prototype: Instance;
    new (module: Module, imports: Record<string, Record<string, unknown>>): Instance;
  };
}
