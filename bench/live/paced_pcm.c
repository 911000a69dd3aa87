/*
 * A capture device for libasound that behaves like a sound card of the kernel:
 * frames arrive by CLOCK_MONOTONIC once it is started, pollers wake at the borders
 * of periods, and a ring that its reader leaves too long overruns (state XRUN,
 * -EPIPE, all in it lost). What it captures is the signal of marks.h, whose
 * positions are counted from `epoch_seconds` of CLOCK_MONOTONIC.
 *
 * Its ring can be read by snd_pcm_readi and as mapped memory. Frames are made when
 * they are asked for, so that waiting for them costs nobody anything.
 *
 *   pcm_type.earshot_paced { lib "/path/of/paced_pcm.so" }
 *   pcm.paced { type earshot_paced epoch_seconds 1000 }
 */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "marks.h"

enum {
	NS_PER_SECOND = 1000000000,
	BYTES_PER_FRAME = 2,
	/* 5 ms at 16 kHz, 1 s and 6 s at 24 kHz. */
	MIN_PERIOD_FRAMES = 80,
	MAX_PERIOD_FRAMES = 24000,
	MAX_BUFFER_FRAMES = 6 * 24000,
};

struct paced {
	snd_pcm_ioplug_t io;
	uint64_t epoch_ns;
	uint64_t start_ns;
	/* What the signal's position was at the start. */
	uint64_t first_position;
	snd_pcm_uframes_t avail_min;
	snd_pcm_uframes_t stop_threshold;
	int running;
	/* The frames at which the timer wakes, to set it no more often than needed. */
	uint64_t timer_frames;
};

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* How many frames arrive in a time; a day of nanoseconds times a rate fits. */
static uint64_t frames_in(const struct paced *paced, uint64_t ns)
{
	return (unsigned __int128)ns * paced->io.rate / NS_PER_SECOND;
}

static uint64_t captured_frames(const struct paced *paced)
{
	return paced->running ? frames_in(paced, now_ns() - paced->start_ns) : 0;
}

/*
 * The border of a period at which a reader is to wake. A blocking read that got
 * less than it wants wakes at the next one, as the kernel does not wait for more
 * than such a read wants; libasound, which does that here, would wait for
 * avail_min.
 */
static uint64_t wake_frames(const struct paced *paced, uint64_t read_frames)
{
	uint64_t period = paced->io.period_size;
	uint64_t is_within = read_frames % period != 0;
	uint64_t wanted = read_frames +
		(is_within && !paced->io.nonblock ? 1 : paced->avail_min);
	return (wanted + period - 1) / period * period;
}

static void set_timer(struct paced *paced, uint64_t read_frames)
{
	struct itimerspec timer = {0};
	uint64_t frames = paced->running ? wake_frames(paced, read_frames) : 0;
	if (frames == paced->timer_frames)
		return;
	paced->timer_frames = frames;
	if (paced->running) {
		unsigned rate = paced->io.rate;
		/* Rounded up, as a frame is there when it is complete. */
		uint64_t ns = paced->start_ns +
			((unsigned __int128)frames * NS_PER_SECOND + rate - 1) / rate;
		timer.it_value.tv_sec = ns / NS_PER_SECOND;
		timer.it_value.tv_nsec = ns % NS_PER_SECOND;
	}
	timerfd_settime(paced->io.poll_fd, TFD_TIMER_ABSTIME, &timer, NULL);
}

static int paced_start(snd_pcm_ioplug_t *io)
{
	struct paced *paced = io->private_data;
	paced->start_ns = now_ns();
	paced->first_position = frames_in(paced, paced->start_ns - paced->epoch_ns);
	paced->running = 1;
	set_timer(paced, io->appl_ptr);
	return 0;
}

static int paced_stop(snd_pcm_ioplug_t *io)
{
	struct paced *paced = io->private_data;
	paced->running = 0;
	set_timer(paced, 0);
	return 0;
}

static snd_pcm_sframes_t paced_pointer(snd_pcm_ioplug_t *io)
{
	struct paced *paced = io->private_data;
	uint64_t frames = captured_frames(paced);
	if (paced->running && frames - io->appl_ptr >= paced->stop_threshold)
		return -EPIPE;
	return frames;
}

static snd_pcm_sframes_t paced_transfer(snd_pcm_ioplug_t *io,
	const snd_pcm_channel_area_t *areas, snd_pcm_uframes_t offset,
	snd_pcm_uframes_t size)
{
	struct paced *paced = io->private_data;
	int16_t *samples = (int16_t *)((char *)areas->addr +
		(areas->first + areas->step * offset) / 8);
	uint64_t position = paced->first_position + io->appl_ptr;
	for (snd_pcm_uframes_t i = 0; i < size; i++)
		samples[i] = marked_sample(position + i, io->rate);
	/* Whoever reads mapped memory takes all of it, too, and says so later. */
	set_timer(paced, io->appl_ptr + size);
	return size;
}

static int paced_prepare(snd_pcm_ioplug_t *io)
{
	return paced_stop(io);
}

static int paced_sw_params(snd_pcm_ioplug_t *io, snd_pcm_sw_params_t *params)
{
	struct paced *paced = io->private_data;
	snd_pcm_sw_params_get_avail_min(params, &paced->avail_min);
	snd_pcm_sw_params_get_stop_threshold(params, &paced->stop_threshold);
	return 0;
}

static int paced_poll_revents(snd_pcm_ioplug_t *io, struct pollfd *fds,
	unsigned int count, unsigned short *revents)
{
	struct paced *paced = io->private_data;
	(void)fds;
	(void)count;
	if (paced_pointer(io) < 0)
		snd_pcm_ioplug_set_state(io, SND_PCM_STATE_XRUN);
	if (io->state == SND_PCM_STATE_XRUN)
		*revents = POLLIN | POLLERR;
	else
		*revents = captured_frames(paced) >= wake_frames(paced, io->appl_ptr) ? POLLIN : 0;
	return 0;
}

static int paced_close(snd_pcm_ioplug_t *io)
{
	close(io->poll_fd);
	free(io->private_data);
	return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
	.start = paced_start,
	.stop = paced_stop,
	.pointer = paced_pointer,
	.transfer = paced_transfer,
	.prepare = paced_prepare,
	.sw_params = paced_sw_params,
	.poll_revents = paced_poll_revents,
	.close = paced_close,
};

static int set_constraints(snd_pcm_ioplug_t *io)
{
	static const unsigned accesses[] = {
		SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED,
	};
	static const unsigned formats[] = {SND_PCM_FORMAT_S16_LE};
	/* 16 kHz is for those who cannot do anything else. */
	static const unsigned rates[] = {16000, 24000};
	int err;
	if ((err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 2, accesses)) < 0 ||
	    (err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, formats)) < 0 ||
	    (err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_RATE, 2, rates)) < 0 ||
	    (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, 1, 1)) < 0 ||
	    (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES,
		    MIN_PERIOD_FRAMES * BYTES_PER_FRAME, MAX_PERIOD_FRAMES * BYTES_PER_FRAME)) < 0 ||
	    (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_BUFFER_BYTES,
		    2 * MIN_PERIOD_FRAMES * BYTES_PER_FRAME, MAX_BUFFER_FRAMES * BYTES_PER_FRAME)) < 0)
		return err;
	return snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 1024);
}

SND_PCM_PLUGIN_DEFINE_FUNC(earshot_paced)
{
	snd_config_iterator_t i, next;
	long epoch_seconds = 0;
	(void)root;
	snd_config_for_each(i, next, conf) {
		snd_config_t *node = snd_config_iterator_entry(i);
		const char *id;
		if (snd_config_get_id(node, &id) >= 0 && strcmp(id, "epoch_seconds") == 0)
			snd_config_get_integer(node, &epoch_seconds);
	}
	if (stream != SND_PCM_STREAM_CAPTURE)
		return -EINVAL;
	struct paced *paced = calloc(1, sizeof(*paced));
	if (paced == NULL)
		return -ENOMEM;
	paced->epoch_ns = (uint64_t)epoch_seconds * NS_PER_SECOND;
	paced->io.version = SND_PCM_IOPLUG_VERSION;
	paced->io.name = "Paced device of Earshot's bench";
	paced->io.callback = &callbacks;
	paced->io.private_data = paced;
	/* Else a full ring could not be told from an empty one. */
	paced->io.flags = SND_PCM_IOPLUG_FLAG_BOUNDARY_WA;
	paced->io.poll_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	paced->io.poll_events = POLLIN;
	int err = snd_pcm_ioplug_create(&paced->io, name, stream, mode);
	if (err < 0) {
		close(paced->io.poll_fd);
		free(paced);
		return err;
	}
	err = set_constraints(&paced->io);
	if (err < 0) {
		snd_pcm_ioplug_delete(&paced->io);
		return err;
	}
	*pcmp = paced->io.pcm;
	return 0;
}

SND_PCM_PLUGIN_SYMBOL(earshot_paced);
