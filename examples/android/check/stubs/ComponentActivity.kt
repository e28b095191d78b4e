// What of androidx.activity the sample calls.

@file:Suppress("UNUSED_PARAMETER")

package androidx.activity

import android.app.Activity

open class ComponentActivity : Activity()
