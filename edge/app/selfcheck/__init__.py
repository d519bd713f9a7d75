"""Known answers and the sealed clip: does this appliance still give the recorded results?"""
