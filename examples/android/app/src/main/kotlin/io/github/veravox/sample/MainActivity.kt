package io.github.veravox.sample

import android.Manifest
import android.net.Uri
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.rememberLauncherForActivityResult
import androidx.activity.compose.setContent
import androidx.activity.result.contract.ActivityResultContracts
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.Button
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.unit.dp
import io.github.veravox.Detector
import io.github.veravox.Event
import io.github.veravox.watch
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.catch

/** What is listened to. */
private sealed interface Source {
    data object Microphone : Source

    data class File(
        val uri: Uri,
    ) : Source
}

class MainActivity : ComponentActivity() {
    private val detector by lazy { Detector() }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContent { MaterialTheme { Listener(detector) } }
    }
}

@Composable
private fun Listener(detector: Detector) {
    var source by remember { mutableStateOf<Source?>(null) }
    var verdict by remember { mutableStateOf("") }
    val context = LocalContext.current
    val asked =
        rememberLauncherForActivityResult(ActivityResultContracts.RequestPermission()) { if (it) source = Source.Microphone }
    val chosen =
        rememberLauncherForActivityResult(ActivityResultContracts.GetContent()) {
            if (it !=
                null
            ) {
                source = Source.File(it)
            }
        }

    // Another source, or none, cancels the one before; its stream goes with it.
    LaunchedEffect(source) {
        events(detector, source ?: return@LaunchedEffect) { uri -> RecordingFile(context, uri) }
            .catch { verdict = it.message ?: "it failed" }
            .collect { verdict = words(it) ?: verdict }
    }

    Column(Modifier.fillMaxSize().padding(24.dp), verticalArrangement = Arrangement.spacedBy(16.dp)) {
        Button(onClick = { asked.launch(Manifest.permission.RECORD_AUDIO) }) { Text("Listen") }
        Button(onClick = { chosen.launch("audio/*") }) { Text("A call recording") }
        Button(onClick = { source = null }) { Text("Stop") }
        Text(verdict, style = MaterialTheme.typography.headlineSmall)
    }
}

private fun events(
    detector: Detector,
    source: Source,
    open: (Uri) -> RecordingFile,
): Flow<Event> =
    when (source) {
        Source.Microphone -> detector.watch(microphone(SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)
        is Source.File -> open(source.uri).run { detector.watch(samples, sampleRateHz, live = false) }
    }

/** An event for people; nothing where it is none. Scores have one direction: positive is synthetic. */
private fun words(event: Event): String? =
    when (event) {
        is Event.Window -> {
            null
        }

        is Event.Verdict -> {
            event.verdict.run { "${stage.name.lowercase()}: ${decision.name.lowercase()}, llr ${llr.short()}" }
        }

        is Event.Ended -> {
            event.leg.run {
                "${decision.name.lowercase()}, llr ${llr.short()} after ${speechSeconds.toInt()} s of speech"
            }
        }
    }

private fun Double?.short() = this?.let { "%+.1f".format(it) } ?: "none yet"

private const val SAMPLE_RATE_HZ = 16_000
