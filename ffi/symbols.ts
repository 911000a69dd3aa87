/**
 * The C functions that are called, with their prototypes.
 *
 * - A handle (`snd_pcm_t *`, `snd_ctl_t *`, `FILE *`) and a `char *` that C
 *   owns are `usize`: making a `Deno.UnsafePointer` of a number needs the
 *   unscoped `--allow-ffi`, a `bigint` needs nothing.
 * - Memory that we own is a `buffer`. That includes most of ALSA's opaque
 *   structs: they are as long as their `*_sizeof` function says and filled with
 *   zeros, which is what ALSA's own `*_alloca` macros do. Structs that C strings
 *   are read out of are in C's memory, which is not collected meanwhile.
 * - What may take long is `nonblocking`: it runs on Deno's thread pool.
 * - libc's functions are found through libasound, which depends on libc.
 *
 * @module
 */

const ALSA_SYMBOLS = {
  // int snd_lib_error_set_handler(snd_lib_error_handler_t handler)
  snd_lib_error_set_handler: {
    parameters: ["usize"],
    result: "i32",
    optional: true, // Deprecated since libasound 1.2.15.
  },
  // const char *snd_asoundlib_version(void)
  snd_asoundlib_version: { parameters: [], result: "usize" },
  // const char *snd_strerror(int errnum)
  snd_strerror: { parameters: ["i32"], result: "usize" },
  // int snd_config_update_free_global(void)
  snd_config_update_free_global: { parameters: [], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const PCM_SYMBOLS = {
  // int snd_pcm_open(snd_pcm_t **pcm, const char *name,
  //                  snd_pcm_stream_t stream, int mode)
  snd_pcm_open: {
    parameters: ["buffer", "buffer", "i32", "i32"],
    result: "i32",
  },
  snd_pcm_open_nonblocking: {
    name: "snd_pcm_open",
    parameters: ["buffer", "buffer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  // int snd_pcm_close(snd_pcm_t *pcm)
  snd_pcm_close: { parameters: ["usize"], result: "i32" },
  snd_pcm_close_nonblocking: {
    name: "snd_pcm_close",
    parameters: ["usize"],
    result: "i32",
    nonblocking: true,
  },
  // int snd_pcm_prepare(snd_pcm_t *pcm)
  snd_pcm_prepare: { parameters: ["usize"], result: "i32" },
  // int snd_pcm_start(snd_pcm_t *pcm)
  snd_pcm_start: { parameters: ["usize"], result: "i32" },
  // int snd_pcm_wait(snd_pcm_t *pcm, int timeout)
  snd_pcm_wait: {
    parameters: ["usize", "i32"],
    result: "i32",
    nonblocking: true,
  },
  snd_pcm_wait_at_once: {
    name: "snd_pcm_wait",
    parameters: ["usize", "i32"],
    result: "i32",
  },
  // snd_pcm_sframes_t snd_pcm_avail(snd_pcm_t *pcm)
  snd_pcm_avail: { parameters: ["usize"], result: "isize" },
  // snd_pcm_sframes_t snd_pcm_readi(snd_pcm_t *pcm, void *buffer,
  //                                 snd_pcm_uframes_t size)
  snd_pcm_readi: { parameters: ["usize", "buffer", "usize"], result: "isize" },
  // int snd_pcm_info(snd_pcm_t *pcm, snd_pcm_info_t *info)
  snd_pcm_info: { parameters: ["usize", "buffer"], result: "i32" },
  // snd_pcm_type_t snd_pcm_type(snd_pcm_t *pcm)
  snd_pcm_type: { parameters: ["usize"], result: "i32" },
  // int snd_pcm_info_get_card(const snd_pcm_info_t *obj)
  snd_pcm_info_get_card: { parameters: ["buffer"], result: "i32" },
  // int snd_pcm_resume(snd_pcm_t *pcm)
  snd_pcm_resume: { parameters: ["usize"], result: "i32" },
  // int snd_pcm_drop(snd_pcm_t *pcm)
  snd_pcm_drop: { parameters: ["usize"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const HW_PARAMS_SYMBOLS = {
  // size_t snd_pcm_hw_params_sizeof(void)
  snd_pcm_hw_params_sizeof: { parameters: [], result: "usize" },
  // int snd_pcm_hw_params_any(snd_pcm_t *pcm, snd_pcm_hw_params_t *params)
  snd_pcm_hw_params_any: { parameters: ["usize", "buffer"], result: "i32" },
  // int snd_pcm_hw_params_test_access(snd_pcm_t *pcm,
  //   snd_pcm_hw_params_t *params, snd_pcm_access_t access)
  snd_pcm_hw_params_test_access: {
    parameters: ["usize", "buffer", "i32"],
    result: "i32",
  },
  // int snd_pcm_hw_params_set_access(snd_pcm_t *pcm,
  //         snd_pcm_hw_params_t *params, snd_pcm_access_t access)
  snd_pcm_hw_params_set_access: {
    parameters: ["usize", "buffer", "i32"],
    result: "i32",
  },
  // int snd_pcm_hw_params_set_format(snd_pcm_t *pcm,
  //         snd_pcm_hw_params_t *params, snd_pcm_format_t format)
  snd_pcm_hw_params_set_format: {
    parameters: ["usize", "buffer", "i32"],
    result: "i32",
  },
  // int snd_pcm_hw_params_set_channels_min(snd_pcm_t *pcm,
  //   snd_pcm_hw_params_t *params, unsigned int *val)
  snd_pcm_hw_params_set_channels_min: {
    parameters: ["usize", "buffer", "buffer"],
    result: "i32",
  },
  // int snd_pcm_hw_params_set_channels_first(snd_pcm_t *pcm,
  //   snd_pcm_hw_params_t *params, unsigned int *val)
  snd_pcm_hw_params_set_channels_first: {
    parameters: ["usize", "buffer", "buffer"],
    result: "i32",
  },
  // int snd_pcm_hw_params_set_channels(snd_pcm_t *pcm,
  //         snd_pcm_hw_params_t *params, unsigned int val)
  snd_pcm_hw_params_set_channels: {
    parameters: ["usize", "buffer", "u32"],
    result: "i32",
  },
  // int snd_pcm_hw_params_set_rate(snd_pcm_t *pcm,
  //         snd_pcm_hw_params_t *params, unsigned int val, int dir)
  snd_pcm_hw_params_set_rate: {
    parameters: ["usize", "buffer", "u32", "i32"],
    result: "i32",
  },
  // int snd_pcm_hw_params_set_rate_resample(snd_pcm_t *pcm,
  //         snd_pcm_hw_params_t *params, unsigned int val)
  snd_pcm_hw_params_set_rate_resample: {
    parameters: ["usize", "buffer", "u32"],
    result: "i32",
  },
  // int snd_pcm_hw_params_set_period_size_near(snd_pcm_t *pcm,
  //         snd_pcm_hw_params_t *params, snd_pcm_uframes_t *val, int *dir)
  snd_pcm_hw_params_set_period_size_near: {
    parameters: ["usize", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  // int snd_pcm_hw_params_set_buffer_size_near(snd_pcm_t *pcm,
  //         snd_pcm_hw_params_t *params, snd_pcm_uframes_t *val)
  snd_pcm_hw_params_set_buffer_size_near: {
    parameters: ["usize", "buffer", "buffer"],
    result: "i32",
  },
  // int snd_pcm_hw_params_test_format(snd_pcm_t *pcm,
  //         snd_pcm_hw_params_t *params, snd_pcm_format_t format)
  snd_pcm_hw_params_test_format: {
    parameters: ["usize", "buffer", "i32"],
    result: "i32",
  },
  // int snd_pcm_hw_params_test_channels(snd_pcm_t *pcm,
  //         snd_pcm_hw_params_t *params, unsigned int val)
  snd_pcm_hw_params_test_channels: {
    parameters: ["usize", "buffer", "u32"],
    result: "i32",
  },
  // int snd_pcm_hw_params_test_rate(snd_pcm_t *pcm,
  //         snd_pcm_hw_params_t *params, unsigned int val, int dir)
  snd_pcm_hw_params_test_rate: {
    parameters: ["usize", "buffer", "u32", "i32"],
    result: "i32",
  },
  // int snd_pcm_hw_params(snd_pcm_t *pcm, snd_pcm_hw_params_t *params)
  snd_pcm_hw_params: {
    parameters: ["usize", "buffer"],
    result: "i32",
    nonblocking: true,
  },
  // int snd_pcm_hw_params_get_period_size(const snd_pcm_hw_params_t *params,
  //         snd_pcm_uframes_t *frames, int *dir)
  snd_pcm_hw_params_get_period_size: {
    parameters: ["buffer", "buffer", "buffer"],
    result: "i32",
  },
  // int snd_pcm_hw_params_get_buffer_size(const snd_pcm_hw_params_t *params,
  //         snd_pcm_uframes_t *val)
  snd_pcm_hw_params_get_buffer_size: {
    parameters: ["buffer", "buffer"],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

const SW_PARAMS_SYMBOLS = {
  // size_t snd_pcm_sw_params_sizeof(void)
  snd_pcm_sw_params_sizeof: { parameters: [], result: "usize" },
  // int snd_pcm_sw_params_current(snd_pcm_t *pcm, snd_pcm_sw_params_t *params)
  snd_pcm_sw_params_current: { parameters: ["usize", "buffer"], result: "i32" },
  // int snd_pcm_sw_params_set_start_threshold(snd_pcm_t *pcm,
  //         snd_pcm_sw_params_t *params, snd_pcm_uframes_t val)
  snd_pcm_sw_params_set_start_threshold: {
    parameters: ["usize", "buffer", "usize"],
    result: "i32",
  },
  // int snd_pcm_sw_params_set_avail_min(snd_pcm_t *pcm,
  //         snd_pcm_sw_params_t *params, snd_pcm_uframes_t val)
  snd_pcm_sw_params_set_avail_min: {
    parameters: ["usize", "buffer", "usize"],
    result: "i32",
  },
  // int snd_pcm_sw_params_set_tstamp_mode(snd_pcm_t *pcm,
  //         snd_pcm_sw_params_t *params, snd_pcm_tstamp_t val)
  snd_pcm_sw_params_set_tstamp_mode: {
    parameters: ["usize", "buffer", "i32"],
    result: "i32",
  },
  // int snd_pcm_sw_params_set_tstamp_type(snd_pcm_t *pcm,
  //         snd_pcm_sw_params_t *params, snd_pcm_tstamp_type_t val)
  snd_pcm_sw_params_set_tstamp_type: {
    parameters: ["usize", "buffer", "i32"],
    result: "i32",
  },
  // int snd_pcm_sw_params(snd_pcm_t *pcm, snd_pcm_sw_params_t *params)
  snd_pcm_sw_params: { parameters: ["usize", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const STATUS_SYMBOLS = {
  // size_t snd_pcm_status_sizeof(void)
  snd_pcm_status_sizeof: { parameters: [], result: "usize" },
  // int snd_pcm_status(snd_pcm_t *pcm, snd_pcm_status_t *status)
  snd_pcm_status: { parameters: ["usize", "buffer"], result: "i32" },
  // snd_pcm_state_t snd_pcm_status_get_state(const snd_pcm_status_t *obj)
  snd_pcm_status_get_state: { parameters: ["buffer"], result: "i32" },
  // snd_pcm_uframes_t snd_pcm_status_get_avail(const snd_pcm_status_t *obj)
  snd_pcm_status_get_avail: { parameters: ["buffer"], result: "usize" },
  // snd_pcm_sframes_t snd_pcm_status_get_delay(const snd_pcm_status_t *obj)
  snd_pcm_status_get_delay: { parameters: ["buffer"], result: "isize" },
  // void snd_pcm_status_get_htstamp(const snd_pcm_status_t *obj,
  //         snd_htimestamp_t *ptr)
  snd_pcm_status_get_htstamp: {
    parameters: ["buffer", "buffer"],
    result: "void",
  },
} as const satisfies Deno.ForeignLibraryInterface;

const DEVICE_SYMBOLS = {
  // int snd_card_next(int *card)
  snd_card_next: { parameters: ["buffer"], result: "i32" },
  // int snd_ctl_open(snd_ctl_t **ctl, const char *name, int mode)
  snd_ctl_open: { parameters: ["buffer", "buffer", "i32"], result: "i32" },
  // int snd_ctl_close(snd_ctl_t *ctl)
  snd_ctl_close: { parameters: ["usize"], result: "i32" },
  // size_t snd_ctl_card_info_sizeof(void)
  snd_ctl_card_info_sizeof: { parameters: [], result: "usize" },
  // int snd_ctl_card_info(snd_ctl_t *ctl, snd_ctl_card_info_t *info)
  snd_ctl_card_info: { parameters: ["usize", "usize"], result: "i32" },
  // const char *snd_ctl_card_info_get_id(const snd_ctl_card_info_t *obj)
  snd_ctl_card_info_get_id: { parameters: ["usize"], result: "usize" },
  // const char *snd_ctl_card_info_get_longname(const snd_ctl_card_info_t *obj)
  snd_ctl_card_info_get_longname: { parameters: ["usize"], result: "usize" },
  // const char *snd_ctl_card_info_get_components(const snd_ctl_card_info_t *obj)
  snd_ctl_card_info_get_components: { parameters: ["usize"], result: "usize" },
  // int snd_ctl_pcm_next_device(snd_ctl_t *ctl, int *device)
  snd_ctl_pcm_next_device: { parameters: ["usize", "buffer"], result: "i32" },
  // size_t snd_pcm_info_sizeof(void)
  snd_pcm_info_sizeof: { parameters: [], result: "usize" },
  // void snd_pcm_info_set_device(snd_pcm_info_t *obj, unsigned int val)
  snd_pcm_info_set_device: { parameters: ["usize", "u32"], result: "void" },
  // void snd_pcm_info_set_stream(snd_pcm_info_t *obj, snd_pcm_stream_t val)
  snd_pcm_info_set_stream: { parameters: ["usize", "i32"], result: "void" },
  // int snd_ctl_pcm_info(snd_ctl_t *ctl, snd_pcm_info_t *info)
  snd_ctl_pcm_info: { parameters: ["usize", "usize"], result: "i32" },
  // const char *snd_pcm_info_get_name(const snd_pcm_info_t *obj)
  snd_pcm_info_get_name: { parameters: ["usize"], result: "usize" },
  // int snd_device_name_hint(int card, const char *iface, void ***hints)
  snd_device_name_hint: {
    parameters: ["i32", "buffer", "buffer"],
    result: "i32",
  },
  // char *snd_device_name_get_hint(const void *hint, const char *id)
  snd_device_name_get_hint: {
    parameters: ["usize", "buffer"],
    result: "usize",
  },
  // int snd_device_name_free_hint(void **hints)
  snd_device_name_free_hint: { parameters: ["usize"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const MIXER_SYMBOLS = {
  // int snd_mixer_open(snd_mixer_t **mixer, int mode)
  snd_mixer_open: { parameters: ["buffer", "i32"], result: "i32" },
  // int snd_mixer_close(snd_mixer_t *mixer)
  snd_mixer_close: { parameters: ["usize"], result: "i32" },
  // int snd_mixer_attach(snd_mixer_t *mixer, const char *name)
  snd_mixer_attach: { parameters: ["usize", "buffer"], result: "i32" },
  // int snd_mixer_selem_register(snd_mixer_t *mixer,
  //                              struct snd_mixer_selem_regopt *options,
  //                              snd_mixer_class_t **classp)
  snd_mixer_selem_register: {
    parameters: ["usize", "usize", "usize"],
    result: "i32",
  },
  // int snd_mixer_load(snd_mixer_t *mixer)
  snd_mixer_load: { parameters: ["usize"], result: "i32" },
  // snd_mixer_elem_t *snd_mixer_first_elem(snd_mixer_t *mixer)
  snd_mixer_first_elem: { parameters: ["usize"], result: "usize" },
  // snd_mixer_elem_t *snd_mixer_elem_next(snd_mixer_elem_t *elem)
  snd_mixer_elem_next: { parameters: ["usize"], result: "usize" },
  // const char *snd_mixer_selem_get_name(snd_mixer_elem_t *elem)
  snd_mixer_selem_get_name: { parameters: ["usize"], result: "usize" },
  // int snd_mixer_selem_is_active(snd_mixer_elem_t *elem)
  snd_mixer_selem_is_active: { parameters: ["usize"], result: "i32" },
  // int snd_mixer_selem_has_capture_channel(
  //   snd_mixer_elem_t *obj, snd_mixer_selem_channel_id_t channel)
  snd_mixer_selem_has_capture_channel: {
    parameters: ["usize", "i32"],
    result: "i32",
  },
  // int snd_mixer_selem_has_capture_volume(snd_mixer_elem_t *elem)
  snd_mixer_selem_has_capture_volume: { parameters: ["usize"], result: "i32" },
  // int snd_mixer_selem_has_capture_switch(snd_mixer_elem_t *elem)
  snd_mixer_selem_has_capture_switch: { parameters: ["usize"], result: "i32" },
  // int snd_mixer_selem_get_capture_volume_range(snd_mixer_elem_t *elem,
  //                                              long *min, long *max)
  snd_mixer_selem_get_capture_volume_range: {
    parameters: ["usize", "buffer", "buffer"],
    result: "i32",
  },
  // int snd_mixer_selem_get_capture_volume(
  //   snd_mixer_elem_t *elem, snd_mixer_selem_channel_id_t channel,
  //   long *value)
  snd_mixer_selem_get_capture_volume: {
    parameters: ["usize", "i32", "buffer"],
    result: "i32",
  },
  // int snd_mixer_selem_get_capture_dB(
  //   snd_mixer_elem_t *elem, snd_mixer_selem_channel_id_t channel,
  //   long *value)
  snd_mixer_selem_get_capture_dB: {
    parameters: ["usize", "i32", "buffer"],
    result: "i32",
  },
  // int snd_mixer_selem_get_capture_switch(
  //   snd_mixer_elem_t *elem, snd_mixer_selem_channel_id_t channel,
  //   int *value)
  snd_mixer_selem_get_capture_switch: {
    parameters: ["usize", "i32", "buffer"],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

const LIBC_SYMBOLS = {
  // int socket(int domain, int type, int protocol)
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // ssize_t sendto(int sockfd, const void *buf, size_t len, int flags,
  //                const struct sockaddr *dest_addr, socklen_t addrlen)
  sendto: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"],
    result: "isize",
  },
  // int close(int fd)
  close: { parameters: ["i32"], result: "i32" },
  // size_t strlen(const char *s)
  strlen: { parameters: ["usize"], result: "usize" },
  // void *memcpy(void *dest, const void *src, size_t n)
  memcpy: { parameters: ["buffer", "usize", "usize"], result: "usize" },
  // void *calloc(size_t nmemb, size_t size)
  calloc: { parameters: ["usize", "usize"], result: "usize" },
  // void free(void *ptr)
  free: { parameters: ["usize"], result: "void" },
  // FILE *fopen(const char *pathname, const char *mode)
  fopen: { parameters: ["buffer", "buffer"], result: "usize" },
  // size_t fread(void *ptr, size_t size, size_t nmemb, FILE *stream)
  fread: { parameters: ["buffer", "usize", "usize", "usize"], result: "usize" },
  // int ferror(FILE *stream)
  ferror: { parameters: ["usize"], result: "i32" },
  // int fclose(FILE *stream)
  fclose: { parameters: ["usize"], result: "i32" },
  // void *dlsym(void *handle, const char *symbol)
  dlsym: { parameters: ["usize", "buffer"], result: "usize" },
  // int setpriority(__priority_which_t which, id_t who, int prio)
  setpriority: { parameters: ["i32", "u32", "i32"], result: "i32" },
  // int malloc_trim(size_t pad)
  malloc_trim: {
    parameters: ["usize"],
    result: "i32",
    optional: true, // Of the GNU libc alone.
  },
  // int clock_gettime(clockid_t clockid, struct timespec *tp)
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Everything that is called in libasound and, through it, in libc. */
export const SYMBOLS = {
  ...ALSA_SYMBOLS,
  ...PCM_SYMBOLS,
  ...HW_PARAMS_SYMBOLS,
  ...SW_PARAMS_SYMBOLS,
  ...STATUS_SYMBOLS,
  ...DEVICE_SYMBOLS,
  ...MIXER_SYMBOLS,
  ...LIBC_SYMBOLS,
} as const satisfies Deno.ForeignLibraryInterface;
